// Keys of the command line, set in the tables of a text.
#include "cotscale/config/overrides.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cotscale/base/error.hpp"
#include "cotscale/config/toml_text.hpp"

namespace cotscale::detail {
namespace {

using testing::HasSubstr;

toml::table applied(const std::string& key, const std::string& value) {
  toml::table root = config::parse_text("[t]\na = 1\n[[t.s]]\na = 1\n[[t.s]]\na = 2\n", "t.toml");
  apply(root, {key, value});
  return root;
}

TEST(overrides, reach_tables_of_a_list_by_number) {
  EXPECT_EQ(applied("t.a", "7")["t"]["a"].value<int>(), 7);
  const toml::table root = applied("t.s[1].a", "7");
  EXPECT_EQ(root["t"]["s"][0]["a"].value<int>(), 1);
  EXPECT_EQ(root["t"]["s"][1]["a"].value<int>(), 7);
  EXPECT_EQ(applied("t.s[0].b.c", "word")["t"]["s"][0]["b"]["c"].value<std::string>(), "word");
}

TEST(overrides, may_have_words_in_quotes) {
  EXPECT_EQ(applied("t.\"a.b\"", "7")["t"]["a.b"].value<int>(), 7);
  EXPECT_EQ(applied("t.'a.b'.c", "7")["t"]["a.b"]["c"].value<int>(), 7);
}

TEST(overrides, of_a_table_that_is_not_there_are_refused) {
  for (const char* key : {"t.s[2].a", "t.s[-1].a", "t.s[].a", "t.s[1x].a", "t.a[0].b", "u[0].a"}) {
    try {
      applied(key, "7");
      FAIL() << key;
    } catch (const specification_error& e) {
      EXPECT_THAT(e.what(), HasSubstr("there is no table")) << key;
    }
  }
  EXPECT_THROW(applied("t.s.a", "7"), specification_error) << "a list is no table";
}

}  // namespace
}  // namespace cotscale::detail
