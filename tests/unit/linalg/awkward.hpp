// Sizes and ranks of matrices that the kernels of BLAS and LAPACK do not divide evenly.
#pragma once

#include <array>

#include "reference/matrix.hpp"
#include "support/matrices.hpp"

namespace cotscale {

inline constexpr std::array sizes{1, 2, 3, 17, 31, 64 + 1};
inline constexpr std::array sizes_from_zero{0, 1, 2, 3, 17, 31, 64 + 1};

// (rows, columns), a product of Gaussian factors.
inline matrix of_rank(int rank, int rows, int columns) {
  return reference::product(support::gaussian(rows, rank, "left"), support::gaussian(rank, columns, "right"));
}

}  // namespace cotscale
