#include "cotscale/select/exact.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/select/plain.hpp"
#include "cotscale/task/moments.hpp"
#include "power.hpp"

namespace cotscale {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void add_multiple(double alpha, const matrix& x, matrix& y) {
  for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] += alpha * x.data()[i];
}

// log of the mean of exp(x), without overflow.
double log_mean_exp(std::span<const double> x) {
  const double largest = *std::max_element(x.begin(), x.end());
  if (!std::isfinite(largest)) return largest;
  double sum = 0;
  for (const double value : x) sum += std::exp(value - largest);
  return largest + std::log(sum / static_cast<double>(x.size()));
}

}  // namespace

// A_π = M S⁺ and what its derivative needs.
struct exact_problem::preconditioner {
  matrix a;
  matrix inverse;     // S⁺
  matrix null_space;  // orthonormal columns, (d, d − rank)
};

// ln ‖(I − AŜ)^k‖² of a draw and its derivative by A, if that was asked for.
struct exact_problem::draw_value {
  double log_error = 0;
  matrix gradient;
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
  for (const covariance& lambda : candidates) seconds_.push_back(moments(lambda, n).second);
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
    add_multiple(probabilities[l], seconds_[l], second);
  }
  eigen_decomposition e = symmetric_eigen(second);
  const double least = 4 * d * std::numeric_limits<double>::epsilon() * e.values.back();
  const auto first = std::upper_bound(e.values.begin(), e.values.end(), least) - e.values.begin();
  const int nullity = static_cast<int>(first);
  preconditioner out{.a = {}, .inverse = matrix(d, d), .null_space = {}};
  if (nullity > 0) out.null_space = e.vectors.block(0, 0, d, nullity);
  matrix scaled(d, d);
  for (int i = 0; i < d; ++i) {
    for (int j = nullity; j < d; ++j) scaled(i, j) = e.vectors(i, j) / e.values[j];
  }
  multiply(1, scaled, transpose::no, e.vectors, transpose::yes, 0, out.inverse);
  out.a = product(mean, out.inverse);
  return out;
}

std::vector<exact_problem::draw_value> exact_problem::evaluate_draws(const matrix& a, bool with_gradient) const {
  std::vector<draw_value> out(draws_.size());
  parallel_for(static_cast<int>(draws_.size()), [&](int i) {
    matrix step = matrix::identity(a.rows());
    multiply(-1, a, transpose::no, draws_[i], transpose::no, 1, step);
    const power_norm power = log_power_norm(step, k_, with_gradient);
    out[i].log_error = power.log_square;
    if (!with_gradient) return;
    out[i].gradient = matrix(a.rows(), a.rows());
    multiply(-1, power.gradient, transpose::no, draws_[i], transpose::yes, 0, out[i].gradient);
  });
  return out;
}

double exact_problem::log_objective_of(std::span<const draw_value> draws) const {
  std::vector<double> logs;
  for (const draw_value& draw : draws) logs.push_back(draw.log_error);
  return log_mean_exp(logs);
}

double exact_problem::log_objective(std::span<const double> probabilities) const {
  return log_objective_of(evaluate_draws(make_preconditioner(probabilities).a, false));
}

double exact_problem::objective(std::span<const double> probabilities) const {
  return std::exp(log_objective(probabilities));
}

// dA = dM S⁺ − A dS S⁺ on the support: ∂_ℓ = ⟨X, Λ_ℓ⟩ − ⟨Aᵀ X, Λ_ℓ Γ_ℓ⟩ with X = (∂ ln F/∂A) S⁺.
exact_value exact_problem::evaluate(std::span<const double> probabilities) const {
  const preconditioner p = make_preconditioner(probabilities);
  const std::vector<draw_value> draws = evaluate_draws(p.a, true);
  exact_value out{.log_objective = log_objective_of(draws),
                  .gradient = std::vector<double>(candidates_.size()),
                  .reachable = reachable(p)};
  if (!std::isfinite(out.log_objective)) return out;
  matrix by_a(p.a.rows(), p.a.rows());
  for (const draw_value& draw : draws) {
    const double share = std::exp(draw.log_error - out.log_objective) / static_cast<double>(draws.size());
    add_multiple(share, draw.gradient, by_a);
  }
  const matrix x = product(by_a, p.inverse);
  const matrix y = product(transposed(p.a), x);
  for (std::size_t l = 0; l < candidates_.size(); ++l) {
    out.gradient[l] = inner(x, candidates_[l].values()) - inner(y, seconds_[l]);
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

namespace {

// The nearest point of the simplex, over the coordinates that are open; the others become 0. (Held, Wolfe, Crowder,
// Math. Programming 6, 1974)
std::vector<double> projected(std::vector<double> point, std::span<const char> open) {
  std::vector<double> sorted;
  for (std::size_t l = 0; l < point.size(); ++l) {
    if (open[l]) sorted.push_back(point[l]);
  }
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double sum = 0;
  double shift = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    sum += sorted[i];
    const double next = (sum - 1) / static_cast<double>(i + 1);
    if (sorted[i] > next) shift = next;
  }
  for (std::size_t l = 0; l < point.size(); ++l) point[l] = open[l] ? std::max(0.0, point[l] - shift) : 0;
  return point;
}

std::vector<double> sum_of(std::span<const double> a, double alpha, std::span<const double> b) {
  std::vector<double> out(a.begin(), a.end());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += alpha * b[i];
  return out;
}

double stationarity_of(const exact_value& value) {
  double steepest = 0;
  for (std::size_t l = 0; l < value.gradient.size(); ++l) {
    if (value.reachable[l]) steepest = std::max(steepest, -value.gradient[l]);
  }
  return steepest;
}

struct descent {
  std::vector<double> probabilities;
  exact_value value;
  double pace = 0;  // step size that the next projection is tried with
  int iterations = 0;
};

descent descent_at(const exact_problem& problem, std::vector<double> probabilities) {
  descent out{.probabilities = std::move(probabilities), .value = {}};
  out.value = problem.evaluate(out.probabilities);
  double steepest = 0;
  for (const double slope : out.value.gradient) steepest = std::max(steepest, std::abs(slope));
  if (steepest > 0) out.pace = 0.1 / steepest;
  return out;
}

// Barzilai and Borwein's step size, ⟨s, s⟩/⟨s, y⟩ for the last step s and its change of gradient y.
double next_pace(const descent& before, std::span<const double> probabilities, std::span<const double> gradient) {
  constexpr double shortest = 1e-8;
  constexpr double longest = 1e8;
  const std::vector<double> s = sum_of(probabilities, -1, before.probabilities);
  const std::vector<double> y = sum_of(gradient, -1, before.value.gradient);
  const double curvature = dot(s, y);
  return curvature > 0 ? std::clamp(dot(s, s) / curvature, shortest, longest) : longest;
}

// One accepted step, or nothing changed.
bool advance(const exact_problem& problem, descent& from) {
  constexpr double armijo = 1e-4;
  constexpr int most_halvings = 15;
  const std::vector<double> end =
      projected(sum_of(from.probabilities, -from.pace, from.value.gradient), from.value.reachable);
  const std::vector<double> direction = sum_of(end, -1, from.probabilities);
  const double slope = dot(from.value.gradient, direction);
  if (!(slope < 0)) return false;
  double length = 1;
  for (int i = 0; i < most_halvings; ++i, length *= 0.5) {
    std::vector<double> tried = length == 1 ? end : sum_of(from.probabilities, length, direction);
    exact_value value = problem.evaluate(tried);
    if (value.log_objective > from.value.log_objective + armijo * length * slope ||
        !(value.log_objective < from.value.log_objective)) {
      continue;
    }
    from = {.probabilities = tried,
            .value = value,
            .pace = next_pace(from, tried, value.gradient),
            .iterations = from.iterations + 1};
    return true;
  }
  return false;
}

// At most so many further steps; fewer if they lose their pace or would not reach `goal`.
void descend(const exact_problem& problem, int iterations, double tolerance, double goal, const std::stop_token& stop,
             descent& now) {
  constexpr int window = 5;
  double at_window = now.value.log_objective;
  for (int i = 1; i <= iterations; ++i) {
    throw_if_stopped(stop);
    if (now.pace == 0 || !std::isfinite(now.value.log_objective) || !advance(problem, now)) return;
    if (i % window != 0) continue;
    const double gained = at_window - now.value.log_objective;
    const double windows_left = static_cast<double>(iterations - i) / window;
    if (gained < tolerance || now.value.log_objective - windows_left * gained > goal) return;
    at_window = now.value.log_objective;
  }
}

}  // namespace

exact_solution select_exact(const exact_problem& problem, std::span<const std::vector<double>> starts,
                            const exact_options& options, const std::stop_token& stop) {
  expects(!starts.empty() && options.iterations >= 0 && options.last_iterations >= 0,
          "select_exact: {} starts, {} and {} iterations", starts.size(), options.iterations, options.last_iterations);
  std::vector<double> objectives;
  for (const auto& start : starts) {
    throw_if_stopped(stop);
    objectives.push_back(problem.log_objective(start));
  }
  std::vector<std::size_t> order(starts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return objectives[a] < objectives[b]; });

  descent best;
  best.value.log_objective = infinity;
  exact_solution out{.probabilities = {}, .objective = 0, .start = order.front(), .iterations = 0, .stationarity = 0};
  for (const std::size_t i : order) {
    descent found = descent_at(problem, starts[i]);
    descend(problem, options.iterations, options.tolerance, best.value.log_objective, stop, found);
    out.iterations += found.iterations;
    if (!best.probabilities.empty() && !(found.value.log_objective < best.value.log_objective)) continue;
    best = std::move(found);
    out.start = i;
  }
  out.iterations -= best.iterations;
  descend(problem, options.last_iterations, options.tolerance, infinity, stop, best);
  out.iterations += best.iterations;
  out.objective = problem.objective(best.probabilities);
  out.stationarity = stationarity_of(best.value);
  out.probabilities = std::move(best.probabilities);
  return out;
}

}  // namespace cotscale
