// Keys as text.
#include "cotscale/config/documentation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "unit/config/kitchen.hpp"

namespace cotscale::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<table_declaration> tables{{"kitchen", default_kitchen}};

entry entry_of(const std::string& name) {
  for (const entry& e : entries_of(tables.front())) {
    if (e.name == name) return e;
  }
  ADD_FAILURE() << name;
  return {};
}

TEST(entries, know_types_limits_defaults_and_conditions) {
  EXPECT_EQ(entries_of(tables.front()).size(), 16U);
  EXPECT_EQ(entry_of("pots").type, "integer in 1 … 10⁶");
  EXPECT_EQ(entry_of("pots").fallback, "3");
  EXPECT_EQ(entry_of("water").type, "number > 0 and < 100");
  EXPECT_EQ(entry_of("oil").fallback, "by taste");
  EXPECT_EQ(entry_of("stove").type, R"(`"off"`, `"low"`, `"high"`)");
  EXPECT_THAT(entry_of("minutes").conditions, ElementsAre(R"(stove = "low" or "high")"));
  EXPECT_THAT(entry_of("slices").conditions, ElementsAre(R"(main = "bread")"));
  EXPECT_TRUE(entry_of("plates").required);
  EXPECT_EQ(entry_of("weights").type, "axis of numbers ≠ 0");
}

TEST(markdown, has_a_row_for_every_key) {
  const std::string text = markdown(entries_of(tables.front()));
  EXPECT_THAT(
      text, HasSubstr("| `stove` | `\"off\"`, `\"low\"`, `\"high\"` | `\"off\"` |  | the fire: `off` cold; `low` warm; "
                      "`high` hot |\n"));
  EXPECT_THAT(
      text, HasSubstr("| `minutes` | number > 0 | 10.0 | `stove = \"low\" or \"high\"` | on the stove \\| or off |\n"));
  EXPECT_THAT(text, HasSubstr("| `plates` | axis of integers in 1 … 99 | required |  |  |\n"));
}

TEST(with_tables, replaces_marked_regions_and_nothing_else) {
  const std::string begin = "before\n<!-- keys of kitchen: how to renew it -->\n",
                    end = "<!-- end of keys -->\nafter\n";
  const std::string once = with_tables(begin + "stale\n" + end, tables);
  EXPECT_EQ(once, begin + markdown(entries_of(tables.front())) + end);
  EXPECT_EQ(with_tables(once, tables), once);
  EXPECT_EQ(with_tables("no region\n", tables), "no region\n");
  EXPECT_THROW(with_tables("<!-- keys of cellar -->\n<!-- end of keys -->\n", tables), specification_error);
  EXPECT_THROW(with_tables("<!-- keys of kitchen -->\n", tables), specification_error);
}

}  // namespace
}  // namespace cotscale::config
