// Gradient descent on the population loss, one step after the other, as Theorem 3.1 has it.
#pragma once

#include <cstdint>

#include "cotscale/task/moments.hpp"
#include "reference/matrix.hpp"

namespace cotscale::reference {

/// V₃₁ (d, d) after so many steps V₃₁ ← V₃₁ − η c (c V₃₁ E[Ŝ²] + E[Ŝ]) from 0.
inline matrix descended(const prompt_moments& moments, double c, double step_size, std::int64_t steps) {
  matrix v(moments.mean.rows(), moments.mean.columns());
  for (std::int64_t t = 0; t < steps; ++t) {
    const matrix gradient = reference::combination(c * c, reference::product(v, moments.second), c, moments.mean);
    v = reference::combination(1, v, -step_size, gradient);
  }
  return v;
}

/// ½ (d + 2c ⟨V, E[Ŝ]⟩ + c² ⟨V E[Ŝ²], V⟩).
inline double population_loss(const prompt_moments& moments, double c, const matrix& v) {
  const double linear = 2 * c * reference::inner(v, moments.mean);
  return 0.5 * (moments.mean.rows() + linear + c * c * reference::inner(reference::product(v, moments.second), v));
}

}  // namespace cotscale::reference
