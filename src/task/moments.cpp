#include "cotscale/task/moments.hpp"

#include "cotscale/base/error.hpp"

namespace cotscale {

prompt_moments moments(const covariance& lambda, int n) {
  expects(n >= 1, "moments: n must be at least 1, got {}", n);
  const double trace = lambda.trace();
  return {.mean = lambda.values(), .second = lambda.apply([=](double l) { return l * gamma_eigenvalue(l, trace, n); })};
}

}  // namespace cotscale
