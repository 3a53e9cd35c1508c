// Every declared key can be set, is written, and reads back: driven by the declarations, so that a new key is covered
// by itself. And the documentation is made from them.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cotscale/base/input_file.hpp"
#include "cotscale/config/documentation.hpp"
#include "unit/experiment/every_key.hpp"

namespace cotscale {
namespace {

using declarations = every_key;

TEST_F(declarations, every_key_can_be_set_is_written_and_reads_back) {
  std::size_t keys = 0;
  for (const config::table_declaration& declared : specification_tables()) {
    const std::vector<config::entry> entries = config::entries_of(declared);
    for (const config::entry& e : entries) {
      if (of_results.contains(e.name) || e.name.ends_with("sha256")) continue;
      SCOPED_TRACE(declared.name + "." + e.name);
      ++keys;
      std::set<std::string> texts;
      for (const toml::table& root : settings(declared.name, entries, e)) {
        if (const auto text = canonical(root)) texts.insert(*text);
      }
      EXPECT_GE(texts.size(), 2U) << "it must make a difference; the last that was refused: " << refusal_;
    }
  }
  EXPECT_GE(keys, 70U);
}

TEST_F(declarations, a_key_of_a_wrong_type_is_named_once_and_nothing_else_is) {
  for (const config::table_declaration& declared : specification_tables()) {
    const std::vector<config::entry> entries = config::entries_of(declared);
    for (const config::entry& e : entries) {
      SCOPED_TRACE(declared.name + "." + e.name);
      toml::table table = beginning(declared.name);
      for (const std::string& condition : e.conditions) establish(condition, table);
      complete(declared.name, table, entries);
      set(table, e.name, e.type == "boolean" ? "'x'" : "true");
      EXPECT_FALSE(canonical(whole(declared.name, table)));
      EXPECT_EQ(refusal_.find('\n'), std::string::npos) << refusal_;
      EXPECT_NE(refusal_.find("." + e.name + (e.type.starts_with("axis") ? " takes" : " must be")), std::string::npos)
          << refusal_;
    }
  }
}

TEST_F(declarations, every_key_is_named_and_explained) {
  for (const config::table_declaration& declared : specification_tables()) {
    std::set<std::string> names;
    for (const config::entry& e : config::entries_of(declared)) {
      SCOPED_TRACE(declared.name + "." + e.name);
      EXPECT_TRUE(names.insert(e.name).second) << "it is declared twice";
      EXPECT_FALSE(e.help.empty());
      EXPECT_TRUE(!e.required || !e.example.empty()) << "a required key has an example";
    }
  }
}

TEST_F(declarations, ranges_are_written_as_their_values) {
  toml::table sweep = beginning("sweep");
  set(sweep, "n", "{ from = 10, to = 1000, count = 7, scale = 'log' }");
  toml::table listed = beginning("sweep");
  set(listed, "n", "[10, 22, 46, 100, 215, 464, 1000]");
  EXPECT_EQ(canonical(whole("sweep", sweep)), canonical(whole("sweep", listed)));
  std::ostringstream text;
  text << whole("sweep", listed);
  const specification spec = parse_specification(
      text.str(), "test.toml", directory_,
      {parse_override("sweep.n={from=10,to=50,step=5}"), parse_override("test.m={from=1,to=3,count=3}"),
       parse_override("sweep.hardness={from=5,to=500,count=3,scale=\"log\"}")});
  EXPECT_EQ(spec.n, (std::vector<std::int64_t>{10, 15, 20, 25, 30, 35, 40, 45, 50}));
  EXPECT_EQ(spec.m, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(spec.hardness, (std::vector<double>{5, 50, 500}));
}

TEST(documentation, of_the_specification_is_what_the_declarations_say) {
  constexpr std::uint64_t most = 10'000'000;
  const std::string text = read_regular_file("docs/specification.md", most);
  EXPECT_EQ(config::with_tables(text, specification_tables()), text)
      << "renew it: cotscale keys --renew docs/specification.md";
  for (const config::table_declaration& declared : specification_tables()) {
    EXPECT_NE(text.find("<!-- keys of " + declared.name + ": "), std::string::npos) << declared.name;
  }
}

}  // namespace
}  // namespace cotscale
