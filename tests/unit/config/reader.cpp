// What a reader takes and refuses, and what a writer writes, of one declaration.
#include "cotscale/config/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/config/toml_text.hpp"
#include "cotscale/config/writer.hpp"
#include "support/refusal.hpp"
#include "unit/config/kitchen.hpp"

namespace cotscale::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

kitchen read(const std::string& text) {
  const toml::table root = parse_text(text, "k.toml");
  problem_list problems("k.toml");
  kitchen kit;
  reader keys(&root, "kitchen", problems);
  kitchen_keys(keys, kit);
  keys.finish();
  problems.raise();
  return kit;
}

std::string refusal(const std::string& text) {
  return support::refusal_of([&] { read(text); });
}

std::string written(kitchen kit) {
  writer out;
  kitchen_keys(out, kit);
  return out.text();
}

const std::string every_key = R"(cook = 'Ada'
open = false
pots = 7
water = 0.1
oil = 0.25
guests = inf
stove = 'high'
minutes = 3.0
plates = [5, 2]
weights = [-1.0, 0.5]
shares = [1.0, 1.0]
names = ['a', 'b']
main = 'bread'
slices = 8
noise = 0.125
)";

TEST(writer, writes_what_was_read) { EXPECT_EQ(written(read(every_key)), every_key); }

TEST(writer, fills_in_defaults_and_leaves_out_what_has_no_effect) {
  EXPECT_EQ(written(read("plates = 2")),
            "cook = 'nobody'\nopen = true\npots = 3\nwater = 1.5\nguests = 4\nstove = 'off'\nplates = [2]\nmain = "
            "'soup'\nsalt = 2.0\n");
}

TEST(writer, separates_tables_and_does_not_write_the_value_that_a_later_key_stands_for) {
  writer out;
  kitchen kit;
  out.table("one");
  out.table("two");
  kit.noise = 0.5;
  kitchen_keys(out, kit);
  EXPECT_THAT(out.text(), AllOf(testing::StartsWith("[one]\n\n[two]\ncook"), HasSubstr("\nnoise = 0.5\n")));
}

TEST(reader, takes_the_part_that_its_word_chooses) {
  const auto main = std::dynamic_pointer_cast<const bread>(read("plates = 2\nmain = \"bread\"\nslices = 5").main);
  ASSERT_NE(main, nullptr);
  EXPECT_EQ(main->slices, 5);
  const auto other = std::dynamic_pointer_cast<const soup>(read("plates = 2\nsalt = 5").main);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->salt, 5);
  EXPECT_EQ(soup_part.salt, 2) << "the part in the list stays as it is";
}

TEST(reader, refuses_keys_of_another_part_and_a_part_that_is_not_there) {
  EXPECT_THAT(refusal("plates = 2\nslices = 5"),
              HasSubstr("k.toml:2: kitchen.slices has an effect with main = \"bread\" only; remove it"));
  EXPECT_THAT(refusal("plates = 2\nmain = \"bread\""),
              HasSubstr("kitchen.slices is missing; set it, for example slices = 8"));
  const std::string text = refusal("plates = 2\nmain = \"bred\"\nsalt = 3");
  EXPECT_THAT(
      text, AllOf(HasSubstr("k.toml:2: kitchen.main must be one of soup, bread, got \"bred\"; did you mean \"bread\"?"),
                  Not(HasSubstr("salt")), Not(HasSubstr("slices"))))
      << "nobody can tell which keys belong there";
}

TEST(reader, names_the_limit_that_a_number_is_beyond) {
  const auto with = [](const std::string& line) { return refusal("plates = 2\n" + line); };
  EXPECT_THAT(with("pots = 0"), HasSubstr("k.toml:2: kitchen.pots must be at least 1, got 0"));
  EXPECT_THAT(with("pots = 1_000_001"), HasSubstr("must be at most 1000000, got 1000001"));
  EXPECT_THAT(with("water = 0"), HasSubstr("kitchen.water must be positive, got 0"));
  EXPECT_THAT(with("water = 100"), HasSubstr("kitchen.water must be below 100, got 100"));
  EXPECT_THAT(with("oil = -1"), HasSubstr("kitchen.oil must not be negative, got -1"));
  EXPECT_THAT(with("weights = [1, 0]"), HasSubstr("kitchen.weights must not be 0"));
  EXPECT_THAT(with("water = nan"), HasSubstr("kitchen.water must be a finite number"));
  EXPECT_THAT(with("water = true"), HasSubstr("must be a finite number, not the boolean true"));
  EXPECT_THAT(with("open = 1"), HasSubstr("kitchen.open must be true or false, not the integer 1"));
  EXPECT_THAT(with("cook = 1"), HasSubstr("kitchen.cook must be a string"));
  EXPECT_THAT(with("guests = 2.5"), HasSubstr("kitchen.guests must be an integer"));
  EXPECT_THAT(with("guests = -inf"), HasSubstr("kitchen.guests must be an integer"));
  EXPECT_THAT(with("shares = 2"), HasSubstr("kitchen.shares must be a list of numbers"));
}

TEST(reader, says_each_wrong_key_once_and_all_of_them) {
  const std::string text = refusal("pots = 60\nstove = \"of\"\nminutes = 3\ncok = \"x\"");
  EXPECT_THAT(
      text, AllOf(HasSubstr("k.toml:1: kitchen.pots are more than the shelf holds"),
                  HasSubstr("k.toml:2: kitchen.stove must be one of off, low, high, got \"of\"; did you mean \"off\"?"),
                  HasSubstr("k.toml:4: unknown key kitchen.cok; did you mean kitchen.cook?"),
                  HasSubstr("kitchen.plates is missing; set it, for example plates = [2, 3]")));
  EXPECT_THAT(text, Not(HasSubstr("minutes has"))) << "the stove decides, and it is not known";
  const std::string wrong = refusal("plates = 2\npots = \"many\"");
  EXPECT_EQ(wrong.find("kitchen.pots"), wrong.rfind("kitchen.pots"));
}

TEST(reader, names_the_element_of_an_axis) {
  EXPECT_THAT(refusal("plates = [1,\n 2,\n 0]"), HasSubstr("k.toml:3: kitchen.plates must be at least 1, got 0"));
  EXPECT_THAT(refusal("plates = [1,\n 2.5]"), HasSubstr("k.toml:2: kitchen.plates takes integers, not the"));
  EXPECT_THAT(refusal("plates = [1, 1]"), HasSubstr("kitchen.plates has the value 1 twice"));
  EXPECT_THAT(refusal("plates = []"), HasSubstr("kitchen.plates is an empty list"));
  EXPECT_THAT(refusal("plates = 2\nnames = [1]"), HasSubstr("kitchen.names takes strings"));
}

TEST(reader, a_missing_table_has_every_default) {
  problem_list problems("k.toml");
  kitchen kit;
  reader keys(nullptr, "kitchen", problems);
  kitchen_keys(keys, kit);
  keys.finish();
  EXPECT_EQ(kit.pots, 3);
  EXPECT_FALSE(keys.sound()) << "one key is required";
}

TEST(reader, a_condition_that_holds_in_part_is_the_one_that_is_named) {
  bool outer = true;
  std::int64_t value = 0;
  const toml::table root = parse_text("x = 1", "k.toml");
  problem_list problems("k.toml");
  reader keys(&root, "", problems);
  keys.when(!outer, "a", [&] { keys.value({.name = "x", .help = ""}, value); });
  keys.when(outer, "b", [&] { keys.when(!outer, "c", [&] { keys.value({.name = "x", .help = ""}, value); }); });
  keys.finish();
  try {
    problems.raise();
    FAIL() << "no exception";
  } catch (const specification_error& e) {
    EXPECT_THAT(e.what(), HasSubstr("x has an effect with c only"));
  }
  EXPECT_EQ(value, 0);
}

std::vector<kitchen> read_kitchens(const std::string& text) {
  const toml::table root = parse_text(text, "k.toml");
  problem_list problems("k.toml");
  reader house(&root, "house", problems);
  std::vector<kitchen> out;
  for (const toml::table* table : house.subtables("kitchens")) {
    reader keys(table, fmt::format("house.kitchens[{}]", out.size()), problems);
    kitchen_keys(keys, out.emplace_back());
    keys.finish();
  }
  house.finish();
  problems.raise();
  return out;
}

TEST(reader, has_lists_of_tables) {
  const std::vector<kitchen> two = read_kitchens("[[kitchens]]\nplates = 1\n[[kitchens]]\nplates = [2, 3]\npots = 4");
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0].pots, 3);
  EXPECT_EQ(two[1].pots, 4);
  EXPECT_EQ(two[1].plates.size(), 2U);
  EXPECT_EQ(read_kitchens("kitchens = [{ plates = 1 }]").size(), 1U);
  EXPECT_TRUE(read_kitchens("").empty());
}

TEST(reader, names_the_table_of_a_list) {
  const auto refusal_of = [](const std::string& text) { return support::refusal_of([&] { read_kitchens(text); }); };
  const std::string first = "[[kitchens]]\nplates = 1\n[[kitchens]]\nplates = 2\n";
  EXPECT_THAT(refusal_of(first + "pots = 0"), HasSubstr("k.toml:5: house.kitchens[1].pots must be at least 1, got 0"));
  EXPECT_THAT(refusal_of(first + "pts = 0"),
              HasSubstr("k.toml:5: unknown key house.kitchens[1].pts; did you mean house.kitchens[1].pots?"));
  const std::string what = "house.kitchens must be a list of tables: write [[house.kitchens]] on a line of its own";
  for (const char* wrong : {"kitchens = 3", "kitchens = []", "kitchens = [1]", "[kitchens]\nplates = 1"}) {
    EXPECT_THAT(refusal_of(wrong), HasSubstr(what)) << wrong;
  }
}

TEST(writer, has_lists_of_tables) {
  writer out;
  out.table("house");
  kitchen kit;
  for (int i = 0; i < 2; ++i) {
    out.list_table("house.kitchens");
    kit.plates = {i + 1};
    kitchen_keys(out, kit);
  }
  const toml::table root = parse_text(out.text(), "written");
  ASSERT_EQ(root["house"]["kitchens"].as_array()->size(), 2U);
  EXPECT_EQ(root["house"]["kitchens"][1]["plates"][0].value<int>(), 2);
}

}  // namespace
}  // namespace cotscale::config
