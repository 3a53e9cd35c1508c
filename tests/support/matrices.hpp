// Random matrices, the same at every run, and their comparison.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/linalg/matrix.hpp"

namespace cotscale::support {

inline constexpr double epsilon = std::numeric_limits<double>::epsilon();

/// Independent standard normal entries; the name and the shape decide which.
inline matrix gaussian(int rows, int columns, std::string_view name) {
  matrix out(rows, columns);
  fill_normal(key_builder("test input").add(name).add(rows).add(columns).key(), 0, out.values());
  return out;
}

inline std::vector<double> gaussian(int size, std::string_view name) {
  const matrix column = gaussian(size, 1, name);
  return {column.values().begin(), column.values().end()};
}

/// Whether shapes are equal and no entry is further than `tolerance` from what is expected; NaN never is close.
inline testing::AssertionResult close(const matrix& computed, const matrix& expected, double tolerance) {
  if (computed.rows() != expected.rows() || computed.columns() != expected.columns()) {
    return testing::AssertionFailure() << "shape (" << computed.rows() << ", " << computed.columns() << "), expected ("
                                       << expected.rows() << ", " << expected.columns() << ")";
  }
  for (int i = 0; i < computed.rows(); ++i) {
    for (int j = 0; j < computed.columns(); ++j) {
      const double gap = std::abs(computed(i, j) - expected(i, j));
      if (gap <= tolerance) continue;
      return testing::AssertionFailure() << "(" << i << ", " << j << "): " << computed(i, j) << ", expected "
                                         << expected(i, j) << ", apart " << gap << " > " << tolerance;
    }
  }
  return testing::AssertionSuccess();
}

inline testing::AssertionResult close(std::span<const double> computed, std::span<const double> expected,
                                      double tolerance) {
  const auto column = [](std::span<const double> values) {
    matrix out(static_cast<int>(values.size()), 1);
    std::copy(values.begin(), values.end(), out.data());
    return out;
  };
  return close(column(computed), column(expected), tolerance);
}

}  // namespace cotscale::support
