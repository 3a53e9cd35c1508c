// Checks a gradient along a random direction.
#pragma once

#include <gtest/gtest.h>

#include <cmath>

#include "cotscale/linalg/matrix.hpp"

namespace cotscale::support {

/// Whether ⟨gradient, direction⟩ is (loss(p + h·direction) − loss(p − h·direction))/2h to the given relative accuracy.
template<class Loss>
testing::AssertionResult is_gradient(const matrix& gradient, const Loss& loss, const matrix& point,
                                     const matrix& direction, double h, double accuracy) {
  const double slope =
      (loss(combination(1, point, h, direction)) - loss(combination(1, point, -h, direction))) / (2 * h);
  double claimed = 0;
  double scale = 0;
  for (int i = 0; i < point.rows(); ++i) {
    for (int j = 0; j < point.columns(); ++j) {
      claimed += gradient(i, j) * direction(i, j);
      scale += std::abs(gradient(i, j) * direction(i, j));
    }
  }
  if (std::abs(claimed - slope) <= accuracy * scale) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "directional derivative " << slope << ", the gradient says " << claimed;
}

}  // namespace cotscale::support
