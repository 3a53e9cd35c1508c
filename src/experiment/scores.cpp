#include "cotscale/experiment/scores.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "variables.hpp"

namespace cotscale {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

double finite_or_infinite(double x) { return std::isfinite(x) ? x : infinity; }

// The mean over prompts of value(e_k/e_0).
template<class Value>
double mean_ratio(std::span<const double> errors, std::span<const double> start, Value value) {
  double sum = 0;
  for (std::size_t i = 0; i < errors.size(); ++i) sum += value(finite_or_infinite(errors[i] / start[i]));
  return sum / static_cast<double>(errors.size());
}

// Trained against exact errors at k, on the same prompts. `largest` holds the largest exact error of each prompt up to
// k.
void score_pair(std::span<const double> trained, std::span<const double> exact, std::span<const double> largest,
                std::size_t k, error_scores& out) {
  const auto count = static_cast<double>(trained.size());
  double sum = 0, sizes = 0, scale = 0;
  for (std::size_t i = 0; i < trained.size(); ++i) {
    const bool both_diverged = !std::isfinite(trained[i]) && !std::isfinite(exact[i]);
    const double difference = both_diverged ? 0 : finite_or_infinite(trained[i]) - finite_or_infinite(exact[i]);
    sum += difference;
    sizes += std::abs(difference);
    if (std::isfinite(largest[i])) scale += largest[i];
  }
  const double mean = sum / count;
  double squares = 0;
  for (std::size_t i = 0; i < trained.size(); ++i) squares += std::pow(trained[i] - exact[i] - mean, 2);
  out.paired_difference[k] = mean;
  out.paired_stderr[k] = trained.size() > 1 ? std::sqrt(squares / (count - 1) / count) : nan;
  out.paired_distance[k] = finite_or_infinite(sizes / scale);
}

void score_pairs(error_table& errors, int steps, error_scores& out) {
  const auto exact = [&](int k) { return errors.row(steps + 1 + k); };
  std::vector<double> largest(exact(0).begin(), exact(0).end());
  for (int k = 1; k <= errors.rows - steps - 2; ++k) {
    const std::span<const double> now = exact(k);
    for (std::size_t i = 0; i < largest.size(); ++i) largest[i] = std::max(largest[i], now[i]);
    score_pair(errors.row(k), now, largest, static_cast<std::size_t>(k), out);
  }
}

}  // namespace

error_scores score_errors(error_table& errors, int steps, int d, const null_distribution* null, double tolerance,
                          int degrees) {
  const std::vector<double> unknown(static_cast<std::size_t>(steps) + 1, nan);
  error_scores out{unknown, unknown, unknown, unknown, unknown};
  if (errors.rows == 0) return out;
  const std::span<const double> start = errors.row(0);
  double sum = 0;
  for (const double e : start) sum += e;
  out.exact_z[0] = start_score(sum / errors.prompts, d, errors.prompts, degrees);
  if (errors.rows > steps + 1) score_pairs(errors, steps, out);
  if (null == nullptr || steps == 0) return out;
  const std::vector<double> dimensions(null->relative ? 0 : start.size(), d);
  const std::span<const double> unit = null->relative ? start : std::span<const double>(dimensions);
  const double first = mean_ratio(errors.row(1), unit, [](double r) { return r; });
  out.exact_z[1] =
      exact_score(*null, first, errors.prompts, allowed_distance(tolerance, 1) * std::max(1.0, null->mean));
  // A map that may be far off moves the scores by more than chance does.
  constexpr double loose = 1e-4;
  if (tolerance > loose) return out;
  for (const null_distribution::step& step : null->steps) {
    const double score = mean_ratio(errors.row(step.k), unit, [&](double r) { return bounded_score(r, step.centre); });
    out.simulated_z[static_cast<std::size_t>(step.k)] = simulated_score(*null, step, score, errors.prompts);
  }
  return out;
}

std::span<const variable> detail::score_variables() {
  const std::vector<std::string> over{"stage?", "m", "k"};
  using enum value_type;
  static const std::vector<variable> declared{
      {"exact_z", f64, over, "score of the mean error against its exact expectation, normal if all is right"},
      {"simulated_z", f64, over, "score of the errors against simulated ones, normal if all is right"},
      {"paired_difference", f64, over, "mean over test prompts of the error minus that of the exact map"},
      {"paired_stderr", f64, over, "standard error of paired_difference"},
      {"paired_distance", f64, over, "mean size of that difference, relative to the errors of the exact map"},
  };
  return declared;
}

void store_scores(const error_scores& scores, std::size_t m, cell_values& out) {
  const std::size_t first = m * scores.exact_z.size();
  out.write("exact_z", scores.exact_z, first);
  out.write("simulated_z", scores.simulated_z, first);
  out.write("paired_difference", scores.paired_difference, first);
  out.write("paired_stderr", scores.paired_stderr, first);
  out.write("paired_distance", scores.paired_distance, first);
}

// With A' = (1 + E) A, |E| ≤ τ in the directions of A, and u_k the exact chain, u'_k − u_k is −Σ_j B^{k−1−j} E (u_j −
// u_{j+1}) to first order, no longer than 2 k τ times the longest u_j where steps do not lengthen; errors are squares.
double allowed_distance(double tolerance, int k) {
  constexpr double rounding = 1e-8;
  return 4 * k * tolerance + rounding;
}

}  // namespace cotscale
