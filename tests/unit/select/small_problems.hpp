// Random candidates of small problems, and the threads on which those are solved.
#pragma once

#include <string_view>

#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/matrix.hpp"
#include "cotscale/task/covariance.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace cotscale {

// Small problems on threads that wait for a core take their time.
struct one_thread {
  support::thread_scope loops{1};
  blas_threads blas{1};
};

// A sample covariance of so many examples, of that rank at most.
inline covariance wishart(int d, int examples, std::string_view name) {
  const matrix x = support::gaussian(d, examples, name);
  return covariance::from_matrix(reference::gram(1.0 / examples, x));
}

}  // namespace cotscale
