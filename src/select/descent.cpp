#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/select/exact.hpp"
#include "simplex.hpp"

namespace cotscale {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int window = 5;  // iterations by which the pace of a descent is judged

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

std::vector<double> sum_of(std::span<const double> a, double alpha, std::span<const double> b) {
  std::vector<double> out(a.begin(), a.end());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += alpha * b[i];
  return out;
}

std::vector<double> times(const matrix& a, std::span<const double> x) {
  std::vector<double> out(x.size());
  multiply(1, a, x, 0, out);
  return out;
}

class descent {
 public:
  /// From those probabilities. An empty `curvature` is guessed.
  descent(const exact_problem& problem, std::vector<double> probabilities, matrix curvature)
      : problem_(&problem), probabilities_(std::move(probabilities)), curvature_(std::move(curvature)) {
    value_ = problem.evaluate(probabilities_);
    slow_condition_ = 100 * problem.condition(std::vector<double>(probabilities_.size(), 1));
    if (curvature_.size() == 0) forget();
  }

  /// At most so many further steps; fewer if they have reached the tolerance, cannot go on, or, at the pace of the last
  /// few, would not reach `goal`.
  void run(int iterations, double tolerance, double goal, const std::stop_token& stop) {
    double at_window = value_.log_objective;
    for (int i = 1; i <= iterations; ++i) {
      throw_if_stopped(stop);
      const bool slow = value_.condition > slow_condition_;
      const double flat = slow ? std::max(tolerance, largest_stationarity) : tolerance;
      if (!std::isfinite(value_.log_objective) || stationarity_of(value_) <= flat) return;
      if (!advance()) {
        if (guessed_) return;
        forget();
        if (!advance()) return;
      }
      if (i % window != 0) continue;
      const double gained = at_window - value_.log_objective;
      const double windows_left = static_cast<double>(iterations - i) / window;
      if (value_.log_objective - windows_left * gained > goal) return;
      at_window = value_.log_objective;
    }
  }

  double log_objective() const { return value_.log_objective; }
  int iterations() const { return iterations_; }

  exact_solution solution() && {
    return {.probabilities = std::move(probabilities_),
            .objective = std::exp(value_.log_objective),
            .log_objective = value_.log_objective,
            .start = 0,
            .iterations = iterations_,
            .stationarity = stationarity_of(value_),
            .curvature = std::move(curvature_)};
  }

 private:
  // A multiple of the identity, with which the first step moves a tenth of the probability at most.
  void forget() {
    double steepest = 0;
    for (const double slope : value_.gradient) steepest = std::max(steepest, std::abs(slope));
    const std::vector<double> diagonal(probabilities_.size(), steepest > 0 ? 10 * steepest : 1);
    curvature_ = matrix::diagonal(diagonal);
    guessed_ = true;
  }

  // One accepted step, or nothing changed.
  bool advance() {
    constexpr double armijo = 1e-4;
    constexpr int most_trials = 20;
    constexpr int most_turned_back = 40;
    std::vector<double> end = minimum_of_model();
    double length = 1;
    bool held = false;
    for (int i = 0; i < most_trials; ++i) {
      const std::vector<double> direction = sum_of(end, -1, probabilities_);
      const double slope = dot(value_.gradient, direction);
      if (!(slope < 0)) return false;
      std::vector<double> tried = length == 1 ? end : sum_of(probabilities_, length, direction);
      exact_value value = problem_->evaluate(tried);
      const double change = value.log_objective - value_.log_objective;
      const bool too_slow = value.condition > std::max(100 * slow_condition_, 1.1 * value_.condition);
      if (too_slow && ++turned_back_ > most_turned_back) return false;
      if (!too_slow && change <= armijo * length * slope && change < 0) {
        accept(std::move(tried), std::move(value));
        return true;
      }
      if (length == 1 && keep_support(value, end)) continue;
      if (length == 1 && too_slow && !held) {
        held = true;
        hold_small(end);
        continue;
      }
      const double parabola = -0.5 * slope * length * length / (change - slope * length);
      length = std::isfinite(parabola) ? std::clamp(parabola, 0.1 * length, 0.5 * length) : 0.1 * length;
    }
    return false;
  }

  // The minimum over the simplex of ⟨g, π⟩ + ½ (π − now)ᵀ B (π − now), candidates that are not reachable at 0.
  std::vector<double> minimum_of_model() const {
    std::vector<int> open;
    for (std::size_t l = 0; l < probabilities_.size(); ++l) {
      if (value_.reachable[l]) open.push_back(static_cast<int>(l));
    }
    const std::vector<double> product = times(curvature_, probabilities_);
    const int count = static_cast<int>(open.size());
    matrix gram(count, count);
    std::vector<double> linear, norms;
    double target_norm = 0;
    for (int i = 0; i < count; ++i) {
      for (int j = 0; j < count; ++j) gram(i, j) = curvature_(open[i], open[j]);
      linear.push_back(product[open[i]] - value_.gradient[open[i]]);
      norms.push_back(std::sqrt(gram(i, i)));
      target_norm = std::max(target_norm, std::abs(linear.back()) / norms.back());
    }
    simplex_search search({.gram = gram, .linear = linear, .norms = norms, .target_norm = target_norm});
    search.run({});
    std::vector<double> out(probabilities_.size());
    for (int i = 0; i < count; ++i) out[open[i]] = search.current().probabilities[i];
    return out;
  }

  // Where a trial lost directions with the candidates that it left out: it keeps a tenth of their weight instead.
  // Whether there were such.
  bool keep_support(const exact_value& trial, std::vector<double>& end) const {
    bool lost = false;
    for (std::size_t l = 0; l < end.size(); ++l) {
      if (end[l] > 0 || probabilities_[l] == 0 || trial.reachable[l]) continue;
      end[l] = 0.1 * probabilities_[l];
      lost = true;
    }
    if (!lost) return false;
    const double sum = std::accumulate(end.begin(), end.end(), 0.0);
    for (double& p : end) p /= sum;
    return true;
  }

  // Where a trial was refused since training would not get there: small weights may grow only.
  void hold_small(std::vector<double>& end) const {
    constexpr double small = 0.01;
    double sum = 0;
    for (std::size_t l = 0; l < end.size(); ++l) {
      if (probabilities_[l] < small) end[l] = std::max(end[l], probabilities_[l]);
      sum += end[l];
    }
    for (double& p : end) p /= sum;
  }

  void accept(std::vector<double> probabilities, exact_value value) {
    const std::vector<double> step = sum_of(probabilities, -1, probabilities_);
    std::vector<double> change = sum_of(value.gradient, -1, value_.gradient);
    // Steps have sum 0, so that a shift of all slopes means nothing.
    const double mean = std::accumulate(change.begin(), change.end(), 0.0) / static_cast<double>(change.size());
    for (double& y : change) y -= mean;
    learn(step, change);
    probabilities_ = std::move(probabilities);
    value_ = std::move(value);
    ++iterations_;
  }

  // B ← B − B s sᵀB/sᵀBs + r rᵀ/sᵀr with r = θ y + (1 − θ) B s, θ ≤ 1 the largest that keeps sᵀr ≥ sᵀBs/5.
  void learn(std::span<const double> s, std::span<const double> y) {
    const double curvature = dot(s, y);
    if (guessed_ && curvature > 0) {
      const std::vector<double> diagonal(s.size(), dot(y, y) / curvature);
      curvature_ = matrix::diagonal(diagonal);
    }
    const std::vector<double> product = times(curvature_, s);
    const double modelled = dot(s, product);
    if (!(modelled > 0)) return;
    const double theta = curvature >= 0.2 * modelled ? 1 : 0.8 * modelled / (modelled - curvature);
    std::vector<double> r(s.size());
    for (std::size_t l = 0; l < r.size(); ++l) r[l] = theta * y[l] + (1 - theta) * product[l];
    const double along = dot(s, r);
    for (std::size_t i = 0; i < r.size(); ++i) {
      for (std::size_t j = 0; j < r.size(); ++j) {
        curvature_(static_cast<int>(i), static_cast<int>(j)) +=
            r[i] * r[j] / along - product[i] * product[j] / modelled;
      }
    }
    guessed_ = false;
  }

  const exact_problem* problem_;
  std::vector<double> probabilities_;
  exact_value value_;
  matrix curvature_;      // B
  bool guessed_ = false;  // it knows nothing of F yet
  double slow_condition_ =
      infinity;          // beyond it a smaller slope is not worth the longer training; a hundred times that is refused
  int turned_back_ = 0;  // trials that were refused so
  int iterations_ = 0;
};

}  // namespace

double stationarity_of(const exact_value& value) {
  double steepest = 0;
  for (std::size_t l = 0; l < value.gradient.size(); ++l) {
    if (value.reachable[l]) steepest = std::max(steepest, -value.gradient[l]);
  }
  return steepest;
}

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

  descent best(problem, starts[order.front()], {});
  best.run(options.iterations, options.tolerance, infinity, stop);
  std::size_t start = order.front();
  int iterations = best.iterations();
  for (std::size_t i = 1; i < order.size(); ++i) {
    descent found(problem, starts[order[i]], {});
    found.run(options.iterations, options.tolerance, best.log_objective(), stop);
    iterations += found.iterations();
    if (!(found.log_objective() < best.log_objective())) continue;
    best = std::move(found);
    start = order[i];
  }
  iterations -= best.iterations();
  best.run(options.last_iterations, options.tolerance, infinity, stop);
  exact_solution out = std::move(best).solution();
  out.start = start;
  out.iterations += iterations;
  return out;
}

exact_solution descend_further(const exact_problem& problem, const exact_solution& from, const exact_options& options,
                               const std::stop_token& stop) {
  descent now(problem, from.probabilities, from.curvature);
  now.run(options.last_iterations, options.tolerance, infinity, stop);
  exact_solution out = std::move(now).solution();
  out.start = from.start;
  return out;
}

}  // namespace cotscale
