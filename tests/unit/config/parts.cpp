// Parts that share keys, and whose word stands apart from their keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/config/conditions.hpp"
#include "cotscale/config/documentation.hpp"
#include "cotscale/config/reader.hpp"
#include "cotscale/config/toml_text.hpp"
#include "cotscale/config/writer.hpp"
#include "support/refusal.hpp"

namespace cotscale::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Optional;

// Every drink has cups, some have sugar; of milk there is more in one than in the other.
struct drink {
  std::string name;
  bool sweet = true;
  std::int64_t sugar = 1, cups = 1;
  double milk = 0;

  const std::string& word() const { return name; }
  std::string help() const { return "a drink"; }
  std::shared_ptr<drink> clone() const { return std::make_shared<drink>(*this); }
  void keys(config::keys& k) {
    if (sweet) k.value({.name = "sugar", .help = "lumps"}, sugar);
    k.value({.name = "cups", .help = "how many"}, cups);
    if (milk > 0) k.value({.name = "milk", .help = "a share"}, milk, {.above = 0});
  }
};

const drink water{.name = "water", .sweet = false}, tea{.name = "tea", .milk = 0.25},
    coffee{.name = "coffee", .milk = 0.5};
constexpr std::array<const drink*, 3> drinks{&water, &tea, &coffee};

struct order {
  bool hungry = false;
  std::shared_ptr<const drink> chosen = water.clone();
  std::string guest = "nobody";
};

void order_keys(keys& k, order& o) {
  k.value({.name = "hungry", .help = ""}, o.hungry);
  k.part_word<drink>({.name = "drink", .help = ""}, o.chosen, drinks);
  k.value({.name = "guest", .help = ""}, o.guest);
  k.part_keys<drink>("drink", o.chosen, drinks);
}

order read(const std::string& text) {
  order out;
  read_text(text, "k.toml", [&](keys& k) { order_keys(k, out); });
  return out;
}

std::string refusal(const std::string& text) {
  return support::refusal_of([&] { read(text); });
}

std::vector<std::vector<std::string>> conditions_of(const std::string& name, const table_declaration& table) {
  std::vector<std::vector<std::string>> out;
  for (const entry& e : entries_of(table)) {
    if (e.name == name) out.push_back(e.conditions);
  }
  return out;
}

const table_declaration orders{"order", [](keys& k) {
                                 order o;
                                 order_keys(k, o);
                               }};

TEST(either, joins_conditions_on_which_one_key_decides) {
  EXPECT_THAT(either("a = 1", "a = 2"), Optional(std::string("a = 1 or 2")));
  EXPECT_THAT(either("a = 1 or 2", "a = 2 or 3"), Optional(std::string("a = 1 or 2 or 3")));
  EXPECT_THAT(either("file", "file"), Optional(std::string("file")));
  EXPECT_EQ(either("a = 1", "b = 1"), std::nullopt);
}

TEST(part, word_and_keys_may_stand_apart) {
  const std::string text = "hungry = true\ndrink = 'tea'\nguest = 'Ada'\nsugar = 2\ncups = 3\nmilk = 0.125\n";
  order o = read(text);
  EXPECT_EQ(o.chosen->cups, 3);
  EXPECT_EQ(tea.cups, 1) << "the part in the list stays as it is";
  writer out;
  order_keys(out, o);
  EXPECT_EQ(out.text(), text);
}

TEST(shared_keys, belong_to_the_part_that_is_chosen) {
  EXPECT_EQ(read("cups = 4").chosen->cups, 4);
  EXPECT_EQ(read("drink = 'coffee'\ncups = 4").chosen->milk, 0.5);
  EXPECT_EQ(read("drink = 'coffee'\nsugar = 4").chosen->sugar, 4);
}

TEST(shared_keys, are_refused_with_every_part_that_has_them) {
  EXPECT_THAT(refusal("sugar = 2"),
              HasSubstr("sugar has an effect with drink = \"tea\" or \"coffee\" only; remove it"));
  const std::string text = refusal("drink = 'te'\nsugar = true\nsuga = 1");
  EXPECT_THAT(text, AllOf(HasSubstr("did you mean \"tea\"?"), HasSubstr("did you mean sugar?"),
                          Not(HasSubstr("sugar has")), Not(HasSubstr("sugar must"))));
}

TEST(shared_keys, are_one_entry_of_the_documentation) {
  EXPECT_THAT(conditions_of("sugar", orders), ElementsAre(ElementsAre("drink = \"tea\" or \"coffee\"")));
  EXPECT_THAT(conditions_of("cups", orders), ElementsAre(IsEmpty())) << "whatever the drink is, there are cups";
  EXPECT_THAT(conditions_of("milk", orders),
              ElementsAre(ElementsAre("drink = \"tea\""), ElementsAre("drink = \"coffee\"")))
      << "they have other defaults";
}

TEST(shared_keys, are_one_entry_when_parts_of_parts_share_them) {
  const table_declaration nested{"nested", [](keys& k) {
                                   std::string place = "home";
                                   k.value({.name = "place", .help = ""}, place);
                                   for (const char* at : {"place = 1", "place = 2"}) {
                                     order o;
                                     k.when(true, at, [&] { order_keys(k, o); });
                                   }
                                 }};
  EXPECT_THAT(conditions_of("sugar", nested),
              ElementsAre(ElementsAre("place = 1 or 2", "drink = \"tea\" or \"coffee\"")));
  EXPECT_THAT(conditions_of("cups", nested), ElementsAre(ElementsAre("place = 1 or 2")));
}

}  // namespace
}  // namespace cotscale::config
