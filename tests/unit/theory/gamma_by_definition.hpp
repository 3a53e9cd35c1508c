// The matrix Γ of theorem 3.1, from plain algebra.
#pragma once

#include "cotscale/linalg/matrix.hpp"
#include "cotscale/task/covariance.hpp"
#include "reference/matrix.hpp"

namespace cotscale {

// (1 + 1/n) Λ + (tr Λ/n) I.
inline matrix gamma_by_definition(const covariance& lambda, int n) {
  return reference::combination(1 + 1.0 / n, lambda.values(), lambda.trace() / n, matrix::identity(lambda.dimension()));
}

}  // namespace cotscale
