// Eight small square matrices side by side: entry (i, j) of all of them in one vector register.
#pragma once

#include <array>

#include "cotscale/linalg/lanes.hpp"

namespace cotscale {

using lane_values = std::array<double, lane_count>;

/// Eight (d, d) matrices, row-major: row i·d + j of `packed` holds the entries (i, j).
struct square_lanes {
  int size = 0;   ///< d
  matrix packed;  ///< (d², 8)
};

/// b = I − scale·a·L·Lᵀ in each lane; a (d, d), L (d, r).
void step_lanes(double scale, const matrix& a, const trapezoid_lanes& l, square_lanes& b);

/// c = a·b in each lane; c is neither a nor b.
void multiply_lanes(const square_lanes& a, const square_lanes& b, square_lanes& c);

/// Squared Frobenius norm in each lane; NaN or +inf where it is beyond what doubles hold.
lane_values squared_norms(const square_lanes& a);

/// s = scale·Lᵀ·a·L in each lane, (r, r); a (d, d) symmetric, L (d, r).
void congruence_lanes(double scale, const matrix& a, const trapezoid_lanes& l, square_lanes& s);

/// Largest eigenvalue of symmetric positive semi-definite s in each lane, from below, by 12 steps of the power method
/// from the first s.size rows of `start` (d, 8): to some per cent where the two largest lie close. NaN where s is not
/// finite.
lane_values largest_eigenvalues(const square_lanes& s, const matrix& start);

/// Whether symmetric s has an eigenvalue above `bound` (or is not finite) in each lane, exact up to rounding: the
/// pivots of bound·I − s tell.
std::array<bool, lane_count> exceeds(const square_lanes& s, double bound);

}  // namespace cotscale
