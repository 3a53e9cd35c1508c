// Eight vectors side by side: row i of a (rows, 8) matrix holds component i of all of them, so that one vector
// instruction works on the eight. For many small problems at once, where a BLAS call each would cost more than its
// work.
#pragma once

#include <cstddef>

#include "cotscale/linalg/matrix.hpp"

namespace cotscale {

inline constexpr int lane_count = 8;

/// y = a·x or, with `adding`, y += alpha·a·x in each lane; a (r, c), x (c, 8), y (r, 8) is not x.
void multiply_lanes(const matrix& a, const matrix& x, matrix& y);
void multiply_add_lanes(double alpha, const matrix& a, const matrix& x, matrix& y);

/// Eight lower trapezoidal matrices L of shape (d, r), r ≤ d: row i holds L_ij for j ≤ min(i, r − 1), all rows packed
/// one after the other.
struct trapezoid_lanes {
  int rows = 0;     ///< d
  int columns = 0;  ///< r
  matrix packed;    ///< (trapezoid_size(d, r), 8)

  /// Where row i begins in `packed`.
  std::size_t row(int i) const {
    const auto full = static_cast<std::size_t>(i < columns ? i : columns);
    return full * (full + 1) / 2 + static_cast<std::size_t>(i < columns ? 0 : i - columns) * full;
  }
  int row_length(int i) const { return i < columns ? i + 1 : columns; }
};

inline int trapezoid_size(int rows, int columns) { return columns * (columns + 1) / 2 + (rows - columns) * columns; }

/// y = scale · L (Lᵀ x) in each lane; x and y (d, 8) may be the same, `scratch` is overwritten.
void gram_multiply(double scale, const trapezoid_lanes& l, const matrix& x, matrix& scratch, matrix& y);

/// The (d, d) matrix scale · L Lᵀ of one lane.
matrix gram_of_lane(double scale, const trapezoid_lanes& l, int lane);

/// scale · L Lᵀ of all lanes: the lower triangles, (d, d).
void gram_lanes(double scale, const trapezoid_lanes& l, trapezoid_lanes& s);

/// x ← (S + shift·I)⁻¹ x in each lane, from lower triangles S (d, d), positive semi-definite, shift > 0, x (d, 8).
/// `factor` is overwritten with the Cholesky factor.
void solve_shifted(const trapezoid_lanes& s, double shift, trapezoid_lanes& factor, matrix& x);

/// x ← (L Lᵀ + shift·I)⁻¹ x in each lane, L (d, r), shift > 0, x (d, 8), by rotations of [L √shift·I] to triangular
/// form, which is `factor` then: three times the work of solve_shifted, and right as long as √shift is resolved beside
/// ‖L‖, where that one needs shift to be resolved beside ‖L‖².
void solve_shifted_factor(const trapezoid_lanes& l, double shift, trapezoid_lanes& factor, matrix& x);

/// Frobenius norm of L Lᵀ at most: the squared norm of L, the largest of the lanes.
double largest_square(const trapezoid_lanes& l);

/// x ← x − P x in each lane, P the orthogonal projection onto the columns of L (d, r) of rank `rank` ≤ r; x (d, 8). If
/// all columns are independent, no column is too weak to count. Else those that depend on others are found by what is
/// left of them (dε relative), and no more than `rank` count. (Gram-Schmidt, repeated until nothing cancels)
void project_out(const trapezoid_lanes& l, int rank, matrix& x);

}  // namespace cotscale
