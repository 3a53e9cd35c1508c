#include "cotscale/task/moments.hpp"

#include <limits>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"

namespace cotscale {

namespace {

constexpr double tolerance_of(int d) { return 4 * d * std::numeric_limits<double>::epsilon(); }

// γ as a function of the eigenvalue, of features that know no directions but Λ's.
auto gamma_of(const prompt_distribution& task, int n) {
  return [shape = task.features->shape().value(), trace = task.lambda.trace(), noise = task.noise, n](double l) {
    return gamma_eigenvalue(l, trace, n, shape, noise);
  };
}

// (1 − 1/n) Λ² + F/n + (σ²/n) Λ
matrix dense_second(const prompt_distribution& task, int n) {
  const matrix& lambda = task.lambda.values();
  const matrix fourth = combination(1.0 / n, task.features->fourth_moment(task.lambda), task.noise / n, lambda);
  return combination(1 - 1.0 / n, product(lambda, lambda), 1, fourth);
}

}  // namespace

prompt_moments moments(const prompt_distribution& task, int n) {
  expects(n >= 1, "moments: n must be at least 1, got {}", n);
  const covariance& lambda = task.lambda;
  if (!task.features->shape()) return {.mean = lambda.values(), .second = dense_second(task, n)};
  const auto second = [gamma = gamma_of(task, n)](double l) { return l * gamma(l); };
  moment_spectrum spectrum{
      .basis = lambda.basis(), .mean = {lambda.eigenvalues().begin(), lambda.eigenvalues().end()}, .second = {}};
  for (const double l : spectrum.mean) spectrum.second.push_back(second(l));
  return {.mean = lambda.values(),
          .second = lambda.apply(second),
          .spectrum = std::move(spectrum),
          .copies = lambda.copies()};
}

prompt_moments moments(const task_mixture& tasks, int n) {
  if (tasks.size() == 1) return moments(tasks.distribution(0), n);
  prompt_moments out{.mean = matrix(tasks.dimension(), tasks.dimension()), .second = {}};
  out.second = out.mean;
  for (std::size_t l = 0; l < tasks.size(); ++l) {
    const prompt_moments of_task = moments(tasks.distribution(l), n);
    out.mean = combination(1, out.mean, tasks.probability(l), of_task.mean);
    out.second = combination(1, out.second, tasks.probability(l), of_task.second);
  }
  return out;
}

matrix optimal_preconditioner(const prompt_distribution& task, int n) {
  if (!task.features->shape()) {
    const prompt_moments m = moments(task, n);
    return product(m.mean, equilibrated_pseudo_inverse(m.second, tolerance_of(task.dimension())));
  }
  return task.lambda.apply([gamma = gamma_of(task, n)](double l) { return l > 0 ? 1 / gamma(l) : 0; });
}

matrix optimal_preconditioner(const task_mixture& tasks, int n) {
  if (tasks.size() == 1) return optimal_preconditioner(tasks.distribution(0), n);
  const prompt_moments m = moments(tasks, n);
  return product(m.mean, equilibrated_pseudo_inverse(m.second, tolerance_of(tasks.dimension())));
}

}  // namespace cotscale
