// How far a matrix is from another.
#pragma once

#include "cotscale/linalg/matrix.hpp"
#include "reference/matrix.hpp"

namespace cotscale {

// ‖A − B‖_F/‖B‖_F.
inline double relative_distance(const matrix& a, const matrix& b) {
  return reference::frobenius_norm(reference::combination(1, a, -1, b)) / reference::frobenius_norm(b);
}

}  // namespace cotscale
