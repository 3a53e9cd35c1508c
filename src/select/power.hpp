// Frobenius norms of matrix powers that may be far beyond the range of double precision, and their derivatives.
#pragma once

#include "cotscale/linalg/matrix.hpp"

namespace cotscale {

struct power_norm {
  double log_square = 0;  ///< ln ‖bᵏ‖_F²; −inf for bᵏ = 0, +inf if b is not finite
  matrix gradient;        ///< ∂ log_square/∂b, (d, d), 0 where that is not finite; empty unless asked for
};

/// Of a square b, k ≥ 0, by repeated squaring.
power_norm log_power_norm(const matrix& b, int k, bool with_gradient);

}  // namespace cotscale
