// Descents on the loss of the population, and where they end by theory.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "cotscale/linalg/matrix.hpp"
#include "cotscale/task/covariance.hpp"
#include "cotscale/task/moments.hpp"
#include "cotscale/train/lsa_population.hpp"
#include "reference/matrix.hpp"

namespace cotscale {

// −Γ⁻¹/c of a regular task, by elimination.
inline matrix trained_v31(const covariance& lambda, int n, double c) {
  const matrix gamma =
      reference::combination(1 + 1.0 / n, lambda.values(), lambda.trace() / n, matrix::identity(lambda.dimension()));
  const matrix inverse = reference::inverse(gamma);
  return reference::combination(-1 / c, inverse, 0, inverse);
}

inline descent_options with_c(double c) {
  descent_options out;
  out.c = c;
  return out;
}

inline trained_slice descend_quietly(const prompt_moments& moments, const descent_options& options = {},
                                     const std::vector<std::int64_t>& loss_steps = {}) {
  return descend(moments, options, loss_steps, std::stop_token());
}

}  // namespace cotscale
