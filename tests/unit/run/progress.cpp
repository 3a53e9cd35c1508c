#include "cotscale/run/progress.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace cotscale {
namespace {

TEST(seconds_left, is_in_proportion_to_costs_and_not_to_numbers) {
  const std::vector<double> cumulative{100, 110, 111, 112};  // one long cell, then short ones
  EXPECT_NEAR(seconds_left(cumulative, 1, 50), 6, 1e-12) << "by the number of cells it would be 150";
  EXPECT_NEAR(seconds_left(cumulative, 2, 55), 1, 1e-12);
  EXPECT_DOUBLE_EQ(seconds_left(cumulative, 4, 56), 0);
  EXPECT_DOUBLE_EQ(seconds_left(cumulative, 9, 56), 0) << "a cell that is counted twice";
}

TEST(seconds_left, is_unknown_at_first) {
  EXPECT_TRUE(std::isinf(seconds_left(std::vector<double>{1, 2}, 0, 10)));
  EXPECT_TRUE(std::isinf(seconds_left({}, 0, 10)));
}

}  // namespace
}  // namespace cotscale
