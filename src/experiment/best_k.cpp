#include "cotscale/experiment/best_k.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "cotscale/base/output.hpp"
#include "cotscale/base/paired.hpp"
#include "variables.hpp"

namespace cotscale::detail {
namespace {

struct interval {
  std::int64_t best, first, last;
};

std::string shown(const interval& k) {
  return k.first == k.last ? fmt::format("{}", k.best) : fmt::format("{} ({} to {})", k.best, k.first, k.last);
}

// How many k lie between two intervals; at most 0 if they touch.
std::int64_t gap(const interval& measured, const interval& predicted, double diverging_prompts) {
  constexpr double few = 16;
  if (measured.first > predicted.last && diverging_prompts > 0 && diverging_prompts < few) return 0;
  return std::max(measured.first - predicted.last, predicted.first - measured.last);
}

}  // namespace

std::span<const variable> best_k_variables() {
  const std::vector<std::string> over_m{"stage?", "m"}, over_both{"stage?", "m", "k"};
  using enum value_type;
  static const std::vector<variable> declared{
      {"best_k", i64, over_m, "k with the least error_mean"},
      {"predicted_best_k", i64, over_m, "k with the least predicted_error, -1 not predicted"},
      {"difference_stderr", f64, over_both, "standard error of error_mean - error_mean at best_k, on the same prompts"},
      {"best_k_first", i64, over_m, "first k that the prompts do not tell apart from best_k"},
      {"best_k_last", i64, over_m, "last k that the prompts do not tell apart from best_k"},
      {"predicted_difference_stderr", f64, over_both,
       "standard error of predicted_error - predicted_error at predicted_best_k, on the same draws"},
      {"predicted_best_k_first", i64, over_m, "first k that the draws do not tell apart from predicted_best_k"},
      {"predicted_best_k_last", i64, over_m, "last k that the draws do not tell apart from predicted_best_k"},
      {"predicted_draws", i64, over_m, "draws of a sample covariance that were taken, 0 not predicted"},
      {"predicted_error", f64, over_both, "expected error over draws of a sample covariance, from Gamma^-1 alone"},
      {"predicted_stderr", f64, over_both, "standard error of predicted_error"},
      {"predicted_diverging_share", f64, over_m,
       "share of the draws in which an eigenvalue of I - Gamma^-1 S is above 1 in size"},
  };
  return declared;
}

void store_best_k(std::span<const double> means, error_table& errors, std::size_t m, cell_values& out) {
  const auto best = static_cast<int>(std::min_element(means.begin(), means.end()) - means.begin());
  std::vector<std::span<const double>> rows;
  for (int k = 0; k < errors.rows; ++k) rows.emplace_back(errors.row(k));
  const std::vector<paired_difference> differences = paired_differences(rows, best);
  const alternatives range = not_told_apart(differences, best, errors.prompts);
  out.of<std::int64_t>("best_k")[m] = best;
  out.of<std::int64_t>("best_k_first")[m] = range.first;
  out.of<std::int64_t>("best_k_last")[m] = range.last;
  const std::span<double> standard_error = out.of<double>("difference_stderr").subspan(m * means.size(), means.size());
  for (std::size_t k = 0; k < differences.size(); ++k) standard_error[k] = differences[k].standard_error;
}

void store_predictions(const std::vector<chain_prediction>& predictions, cell_values& out) {
  const std::span<std::int64_t> draws = out.of<std::int64_t>("predicted_draws");
  std::fill(draws.begin(), draws.end(), 0);
  for (std::size_t m = 0; m < predictions.size(); ++m) {
    const chain_prediction& p = predictions[m];
    out.write("predicted_error", p.error, m * p.error.size());
    out.write("predicted_stderr", p.standard_error, m * p.error.size());
    out.write("predicted_difference_stderr", p.difference_error, m * p.error.size());
    out.of<std::int64_t>("predicted_best_k")[m] = p.best_k;
    out.of<std::int64_t>("predicted_best_k_first")[m] = p.first_k;
    out.of<std::int64_t>("predicted_best_k_last")[m] = p.last_k;
    draws[m] = p.draws;
    out.of<double>("predicted_diverging_share")[m] = p.diverging_share;
  }
}

void report_best_k(const results_reader& file, const std::vector<cell_status>& status, int prompts) {
  const auto read = [&](const std::string& prefix) {
    const std::vector<std::int64_t> best = file.integers(prefix + "best_k"),
                                    first = file.integers(prefix + "best_k_first"),
                                    last = file.integers(prefix + "best_k_last");
    std::vector<interval> out;
    for (std::size_t i = 0; i < best.size(); ++i) out.push_back({best[i], first[i], last[i]});
    return out;
  };
  const coordinates grid = read_coordinates(file);
  const std::vector<interval> measured = read(""), predicted = read("predicted_");
  const std::vector<double> share = file.values("predicted_diverging_share");
  std::size_t compared = 0, differing = 0;
  std::int64_t widest = 0;
  std::string where;
  for (std::size_t number = 0; number < status.size(); ++number) {
    if (status[number] != cell_status::done) continue;
    bool both = false, differs = false;
    const std::size_t rows = grid.stage_count() * grid.m.size();  // of a cell
    for (std::size_t i = number * rows; i < (number + 1) * rows; ++i) {
      if (measured[i].best < 0 || predicted[i].best < 0) continue;
      both = true;
      const std::int64_t between = gap(measured[i], predicted[i], share[i] * prompts);
      differs = differs || between > 0;
      if (between <= widest) continue;
      widest = between;
      const std::size_t stage = i / grid.m.size() % grid.stage_count(), m = i % grid.m.size();
      where = fmt::format("{}, m {}: measured {}, predicted {}", describe(grid, number, stage), grid.m[m],
                          shown(measured[i]), shown(predicted[i]));
    }
    compared += both ? 1 : 0;
    differing += differs ? 1 : 0;
  }
  if (compared == 0) return;
  print("best k: in {} of {} cells the measured and the predicted one differ by more than either is uncertain{}{}\n",
        differing, compared, where.empty() ? "" : "; the most at ", where);
}

}  // namespace cotscale::detail
