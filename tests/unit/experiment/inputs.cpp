// Which files a specification names.
#include "cotscale/experiment/inputs.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace cotscale {
namespace {

TEST(inputs, are_named_in_any_table) {
  const std::map<std::string, std::string> expected{{"a.h5", "1"}, {"b.h5", "2"}, {"c.h5", "3"}};
  EXPECT_EQ(inputs_named_in("[target]\nfile = \"a.h5\"\nsha256 = \"1\"\n[models.lsa]\ninitial_file = \"b.h5\"\n"
                            "initial_sha256 = \"2\"\n[[models.lsa.stages]]\nsteps = 3\n[[models.lsa.stages]]\n"
                            "rows_file = \"c.h5\"\nrows_sha256 = \"3\"\n"),
            expected);
}

}  // namespace
}  // namespace cotscale
