#include "cotscale/theory/closed_forms.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/task/moments.hpp"

namespace cotscale {
namespace {

double squared(double x) { return x * x; }

}  // namespace

matrix gamma(const covariance& lambda, int n) {
  return lambda.apply([=, trace = lambda.trace()](double l) { return gamma_eigenvalue(l, trace, n); });
}

matrix gamma(const prompt_distribution& task, int n) {
  const auto shape = task.features->shape();
  if (shape) {
    return task.lambda.apply([=, trace = task.lambda.trace(), noise = task.noise](double l) {
      return gamma_eigenvalue(l, trace, n, *shape, noise);
    });
  }
  const double tolerance = 4 * task.dimension() * std::numeric_limits<double>::epsilon();
  return product(moments(task, n).second, equilibrated_pseudo_inverse(task.lambda.values(), tolerance));
}

matrix trained_preconditioner(const prompt_distribution& task, int n) { return optimal_preconditioner(task, n); }

matrix trained_preconditioner(const task_mixture& tasks, int n) { return optimal_preconditioner(tasks, n); }

double one_step_error(const matrix& preconditioner, const prompt_distribution& test, int m) {
  const covariance& sigma = test.lambda;
  expects(m >= 1, "one_step_error: m must be at least 1, got {}", m);
  const matrix a_sigma = product(preconditioner, sigma.values());
  const double bias = squared(frobenius_norm(combination(1, matrix::identity(a_sigma.rows()), -1, a_sigma)));
  const double second = squared(frobenius_norm(a_sigma));  // tr(AΣ²Aᵀ)
  if (test.is_plain()) {
    return sigma.copies() * (bias + (second + inner(a_sigma, preconditioner) * sigma.trace()) / m);
  }
  const double spread = inner(product(preconditioner, test.features->fourth_moment(sigma)), preconditioner) - second;
  return bias + (spread + test.noise * inner(a_sigma, preconditioner)) / m;
}

std::vector<double> limit_errors(const matrix& preconditioner, const covariance& sigma, int steps,
                                 const std::stop_token& stop) {
  const int rows = sigma.values().rows();
  const matrix step = combination(1, matrix::identity(rows), -1, product(preconditioner, sigma.values()));
  std::vector<double> errors;
  matrix power = matrix::identity(rows);
  for (int k = 0; k <= steps; ++k) {
    throw_if_stopped(stop);
    errors.push_back(sigma.copies() * squared(frobenius_norm(power)));
    if (!std::isfinite(errors.back())) break;
    if (k < steps) power = product(step, power);
  }
  errors.resize(static_cast<std::size_t>(steps) + 1,
                std::numeric_limits<double>::infinity());  // once diverged, for good
  return errors;
}

std::vector<double> matched_bounds(int d, int n, double hardness, int steps) {
  std::vector<double> bounds;
  for (int k = 0; k <= steps; ++k) bounds.push_back(d * std::pow(1 + n / (1 + hardness), -2.0 * k));
  return bounds;
}

}  // namespace cotscale
