// Random trapezoids in lanes, and what one lane of them stands for.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "cotscale/linalg/lanes.hpp"
#include "support/matrices.hpp"

namespace cotscale {

// Around the numbers of rows that are worked on together: 8, 4 and 1.
inline constexpr std::array row_counts{1, 2, 3, 5, 7, 8, 9, 17};

inline std::vector<int> ranks(int d) {
  std::vector<int> out;
  for (int r = 1; r <= d; ++r) out.push_back(r);
  return out;
}

inline trapezoid_lanes random_trapezoid(int d, int r, std::string_view name) {
  return {.rows = d, .columns = r, .packed = support::gaussian(trapezoid_size(d, r), lane_count, name)};
}

// One lane in the shape that it stands for, by counting.
inline matrix dense(const trapezoid_lanes& l, int lane) {
  matrix out(l.rows, l.columns);
  int next = 0;
  for (int i = 0; i < l.rows; ++i) {
    for (int j = 0; j < std::min(i + 1, l.columns); ++j) out(i, j) = l.packed(next++, lane);
  }
  EXPECT_EQ(next, l.packed.rows());
  return out;
}

inline matrix column(const matrix& x, int lane) { return x.block(0, lane, x.rows(), 1); }

}  // namespace cotscale
