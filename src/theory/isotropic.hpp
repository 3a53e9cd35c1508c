// Of isotropic tasks that are held as scalars (covariance::isotropic): what predictions and null distributions need.
#pragma once

#include "cotscale/linalg/lane_matrices.hpp"
#include "cotscale/linalg/matrix.hpp"
#include "cotscale/task/bidiagonal.hpp"
#include "cotscale/task/distribution.hpp"
#include "cotscale/theory/null_distribution.hpp"

namespace cotscale::detail {

/// Whether Wishart matrices serve: they are as fast, say more of each draw, and check the bidiagonal form of roll-outs.
inline bool is_small(const covariance& sigma) { return sigma.dimension() <= most_of_small_isotropic; }

/// The same with matrices of (d, d), if it is small.
prompt_distribution in_full_if_small(const prompt_distribution& test);

/// A map in the shape of the covariance's matrices: a·I_d of (1, 1), if those are (d, d).
matrix in_shape_of(const covariance& sigma, const matrix& map);

/// ‖(I − aŜ)^k e₁‖² in row k of (steps + 1, 8), by plain loops, apart from the code of roll-outs.
matrix plain_errors(double a, const bidiagonal_lanes& prompts, int steps);

/// Columns in which the eigenvector of the largest eigenvalue lives: it falls off as an Airy function does, on a scale
/// of min(d, m)^(1/3) (Edelman and Persson 2005).
int columns_of_largest(int d, int m);

/// Ŝ's largest eigenvalue in each lane, by bisection; from below where the columns are fewer than those.
lane_values largest_eigenvalues(const bidiagonal_lanes& prompts);

}  // namespace cotscale::detail
