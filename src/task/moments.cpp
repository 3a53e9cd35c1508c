#include "cotscale/task/moments.hpp"

#include <limits>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"

namespace cotscale {

prompt_moments moments(const covariance& lambda, int n) {
  expects(n >= 1, "moments: n must be at least 1, got {}", n);
  const double trace = lambda.trace();
  const auto second = [=](double l) { return l * gamma_eigenvalue(l, trace, n); };
  moment_spectrum spectrum{
      .basis = lambda.basis(), .mean = {lambda.eigenvalues().begin(), lambda.eigenvalues().end()}, .second = {}};
  for (const double l : spectrum.mean) spectrum.second.push_back(second(l));
  return {.mean = lambda.values(), .second = lambda.apply(second), .spectrum = std::move(spectrum)};
}

prompt_moments moments(const task_mixture& tasks, int n) {
  if (tasks.size() == 1) return moments(tasks.task(0), n);
  prompt_moments out{.mean = matrix(tasks.dimension(), tasks.dimension()), .second = {}};
  out.second = out.mean;
  for (std::size_t l = 0; l < tasks.size(); ++l) {
    const prompt_moments of_task = moments(tasks.task(l), n);
    out.mean = combination(1, out.mean, tasks.probability(l), of_task.mean);
    out.second = combination(1, out.second, tasks.probability(l), of_task.second);
  }
  return out;
}

matrix optimal_preconditioner(const covariance& lambda, int n) {
  return lambda.apply([=, trace = lambda.trace()](double l) { return l > 0 ? 1 / gamma_eigenvalue(l, trace, n) : 0; });
}

matrix optimal_preconditioner(const task_mixture& tasks, int n) {
  if (tasks.size() == 1) return optimal_preconditioner(tasks.task(0), n);
  const prompt_moments m = moments(tasks, n);
  const double tolerance = 4 * tasks.dimension() * std::numeric_limits<double>::epsilon();
  return product(m.mean, equilibrated_pseudo_inverse(m.second, tolerance));
}

}  // namespace cotscale
