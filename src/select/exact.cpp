#include "cotscale/select/exact.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/select/plain.hpp"
#include "cotscale/task/moments.hpp"
#include "logarithms.hpp"
#include "power.hpp"

namespace cotscale {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void add_multiple(double alpha, const matrix& x, matrix& y) {
  for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] += alpha * x.data()[i];
}

constexpr int draws_of_a_shard = 8;

// Σ e^{l_i} G_i over the draws of a shard, as a mantissa and the logarithm of its scale.
struct gradient_sum {
  double log_scale = -infinity;
  matrix mantissa;

  void add(double log_weight, const matrix& gradient) {
    if (!std::isfinite(log_weight)) return;
    if (mantissa.size() == 0) mantissa = matrix(gradient.rows(), gradient.columns());
    if (log_weight > log_scale) {
      const double shrink = std::exp(log_scale - log_weight);
      for (double& value : mantissa.values()) value *= shrink;
      log_scale = log_weight;
    }
    add_multiple(std::exp(log_weight - log_scale), gradient, mantissa);
  }
};

}  // namespace

// A_π = M S⁺ and what its derivative needs.
struct exact_problem::preconditioner {
  matrix a;
  matrix inverse;     // S⁺
  matrix null_space;  // orthonormal columns, (d, d − rank)
  double condition = 1;
};

// ln ‖(I − AŜ)^k‖² of every draw, and per shard the sum of their errors' derivatives by A, if those were asked for.
struct exact_problem::draws_value {
  std::vector<double> log_errors;
  std::vector<gradient_sum> gradients;
};

exact_problem::exact_problem(std::span<const covariance> candidates, std::span<const matrix> sample_covariances, int n,
                             int k)
    : candidates_(candidates), draws_(sample_covariances), k_(k) {
  expects(!draws_.empty() && n >= 1 && k >= 0, "exact_problem: {} draws, n = {}, k = {}", draws_.size(), n, k);
  require_candidates(candidates, draws_.front().rows());
  for (const matrix& s : draws_) {
    expects(s.rows() == draws_.front().rows() && s.columns() == s.rows(), "exact_problem: draws of shape ({}, {})",
            s.rows(), s.columns());
  }
  std::vector<matrix> seconds(candidates.size());
  parallel_for(static_cast<int>(candidates.size()), [&](int l) { seconds[l] = moments(candidates[l], n).second; });
  seconds_ = std::make_shared<const std::vector<matrix>>(std::move(seconds));
}

exact_problem exact_problem::of_one_step(std::span<const covariance> candidates, const matrix& sigma, double m, int n) {
  exact_problem out(candidates, std::span(&sigma, 1), n, 1);
  if (!std::isinf(m)) out.spread_ = combination(1 / m, product(sigma, sigma), trace(sigma) / m, sigma);
  return out;
}

exact_problem exact_problem::on(std::span<const matrix> sample_covariances) const {
  exact_problem out = *this;
  out.draws_ = sample_covariances;
  out.spread_ = {};
  return out;
}

exact_problem::preconditioner exact_problem::make_preconditioner(std::span<const double> probabilities) const {
  expects(probabilities.size() == candidates_.size(), "exact_problem: {} candidates, {} probabilities",
          candidates_.size(), probabilities.size());
  const int d = draws_.front().rows();
  matrix mean(d, d);
  matrix second(d, d);
  for (std::size_t l = 0; l < candidates_.size(); ++l) {
    if (probabilities[l] == 0) continue;
    add_multiple(probabilities[l], candidates_[l].values(), mean);
    add_multiple(probabilities[l], (*seconds_)[l], second);
  }
  eigen_decomposition e = symmetric_eigen(second);
  const double least = 4 * d * std::numeric_limits<double>::epsilon() * e.values.back();
  const auto first = std::upper_bound(e.values.begin(), e.values.end(), least) - e.values.begin();
  const int nullity = static_cast<int>(first);
  preconditioner out{.a = {}, .inverse = matrix(d, d), .null_space = {}, .condition = 1};
  if (nullity < d) out.condition = e.values.back() / e.values[nullity];
  if (nullity > 0) out.null_space = e.vectors.block(0, 0, d, nullity);
  matrix scaled(d, d);
  for (int i = 0; i < d; ++i) {
    for (int j = nullity; j < d; ++j) scaled(i, j) = e.vectors(i, j) / e.values[j];
  }
  multiply(1, scaled, transpose::no, e.vectors, transpose::yes, 0, out.inverse);
  out.a = product(mean, out.inverse);
  return out;
}

// A shard's draws follow each other, and shards are added in order, so that no bit depends on threads.
exact_problem::draws_value exact_problem::evaluate_draws(const matrix& a, bool with_gradient) const {
  const int count = static_cast<int>(draws_.size());
  const int shards = (count + draws_of_a_shard - 1) / draws_of_a_shard;
  draws_value out{.log_errors = std::vector<double>(draws_.size()),
                  .gradients = std::vector<gradient_sum>(with_gradient ? shards : 0)};
  parallel_for(shards, [&](int shard) {
    matrix step(a.rows(), a.rows());
    matrix by_a(a.rows(), a.rows());
    for (int i = shard * draws_of_a_shard; i < std::min(count, (shard + 1) * draws_of_a_shard); ++i) {
      multiply(-1, a, transpose::no, draws_[i], transpose::no, 0, step);
      for (int j = 0; j < a.rows(); ++j) step(j, j) += 1;
      const power_norm power = log_power_norm(step, k_, with_gradient);
      out.log_errors[i] = power.log_square;
      if (!with_gradient) continue;
      multiply(-1, power.gradient, transpose::no, draws_[i], transpose::yes, 0, by_a);
      out.gradients[shard].add(power.log_square, by_a);
    }
  });
  return out;
}

double exact_problem::log_objective_of(const draws_value& draws, const matrix& a) const {
  const double log_mean = log_mean_exp(draws.log_errors);
  return spread_.size() == 0 ? log_mean : log_sum(log_mean, std::log(inner(a, product(a, spread_))));
}

std::vector<double> exact_problem::log_errors(std::span<const double> probabilities) const {
  return evaluate_draws(make_preconditioner(probabilities).a, false).log_errors;
}

double exact_problem::condition(std::span<const double> probabilities) const {
  return make_preconditioner(probabilities).condition;
}

double exact_problem::log_objective(std::span<const double> probabilities) const {
  const matrix a = make_preconditioner(probabilities).a;
  return log_objective_of(evaluate_draws(a, false), a);
}

double exact_problem::objective(std::span<const double> probabilities) const {
  return std::exp(log_objective(probabilities));
}

// dA = dM S⁺ − A dS S⁺ on the support: ∂_ℓ = ⟨X, Λ_ℓ⟩ − ⟨Aᵀ X, Λ_ℓ Γ_ℓ⟩ with X = (∂ ln F/∂A) S⁺.
exact_value exact_problem::evaluate(std::span<const double> probabilities) const {
  const preconditioner p = make_preconditioner(probabilities);
  const draws_value draws = evaluate_draws(p.a, true);
  exact_value out{.log_objective = log_objective_of(draws, p.a),
                  .gradient = std::vector<double>(candidates_.size()),
                  .reachable = reachable(p),
                  .condition = p.condition};
  if (!std::isfinite(out.log_objective)) return out;
  matrix by_a(p.a.rows(), p.a.rows());
  for (const gradient_sum& shard : draws.gradients) {
    if (shard.mantissa.size() == 0) continue;
    add_multiple(std::exp(shard.log_scale - out.log_objective) / static_cast<double>(draws_.size()), shard.mantissa,
                 by_a);
  }
  if (spread_.size() != 0) add_multiple(2 * std::exp(-out.log_objective), product(p.a, spread_), by_a);
  const matrix x = product(by_a, p.inverse);
  const matrix y = product(transposed(p.a), x);
  for (std::size_t l = 0; l < candidates_.size(); ++l) {
    out.gradient[l] = inner(x, candidates_[l].values()) - inner(y, (*seconds_)[l]);
  }
  return out;
}

// Whether Λ_ℓ vanishes on the null space of S, up to rounding.
std::vector<char> exact_problem::reachable(const preconditioner& p) const {
  std::vector<char> out(candidates_.size(), 1);
  if (p.null_space.columns() == 0) return out;
  for (std::size_t l = 0; l < out.size(); ++l) {
    const matrix& lambda = candidates_[l].values();
    out[l] = frobenius_norm(product(lambda, p.null_space)) <= 1e-10 * frobenius_norm(lambda);
  }
  return out;
}

}  // namespace cotscale
