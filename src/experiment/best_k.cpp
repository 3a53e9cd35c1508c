#include "cotscale/experiment/best_k.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "cotscale/base/output.hpp"
#include "cotscale/base/paired.hpp"

namespace cotscale::detail {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void append(const std::vector<double>& values, std::vector<double>& to) {
  to.insert(to.end(), values.begin(), values.end());
}

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

void store_best_k(const std::vector<double>& means, error_table& errors, cell_result& out) {
  if (errors.rows == 0) {
    for (auto* k : {&out.best_k, &out.best_k_first, &out.best_k_last}) k->push_back(-1);
    out.difference_stderr.insert(out.difference_stderr.end(), means.size(), nan);
    return;
  }
  const auto best = static_cast<int>(std::min_element(means.begin(), means.end()) - means.begin());
  std::vector<std::span<const double>> rows;
  for (int k = 0; k < errors.rows; ++k) rows.emplace_back(errors.row(k));
  const std::vector<paired_difference> differences = paired_differences(rows, best);
  const alternatives range = not_told_apart(differences, best, errors.prompts);
  out.best_k.push_back(best);
  out.best_k_first.push_back(range.first);
  out.best_k_last.push_back(range.last);
  for (const paired_difference& d : differences) out.difference_stderr.push_back(d.standard_error);
}

void store_predictions(const std::vector<chain_prediction>& predictions, const coordinates& grid, cell_result& out) {
  const chain_prediction none{.error = std::vector<double>(grid.k.size(), nan),
                              .standard_error = std::vector<double>(grid.k.size(), nan),
                              .difference_error = std::vector<double>(grid.k.size(), nan),
                              .diverging_part = {},
                              .draws = 0,
                              .best_k = -1,
                              .first_k = -1,
                              .last_k = -1,
                              .diverging_share = nan};
  for (std::size_t m = 0; m < grid.m.size(); ++m) {
    const chain_prediction& p = predictions.empty() ? none : predictions[m];
    append(p.error, out.predicted_error);
    append(p.standard_error, out.predicted_stderr);
    append(p.difference_error, out.predicted_difference_stderr);
    out.predicted_best_k.push_back(p.best_k);
    out.predicted_best_k_first.push_back(p.first_k);
    out.predicted_best_k_last.push_back(p.last_k);
    out.predicted_draws.push_back(p.draws);
    out.predicted_diverging_share.push_back(p.diverging_share);
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
  const coordinates& grid = file.grid();
  const std::vector<interval> measured = read(""), predicted = read("predicted_");
  const std::vector<double> share = file.values("predicted_diverging_share");
  std::size_t compared = 0, differing = 0;
  std::int64_t widest = 0;
  std::string where;
  for (std::size_t number = 0; number < status.size(); ++number) {
    if (status[number] != cell_status::done) continue;
    bool both = false, differs = false;
    for (std::size_t m = 0; m < grid.m.size(); ++m) {
      const std::size_t i = number * grid.m.size() + m;
      if (measured[i].best < 0 || predicted[i].best < 0) continue;
      both = true;
      const std::int64_t between = gap(measured[i], predicted[i], share[i] * prompts);
      differs = differs || between > 0;
      if (between <= widest) continue;
      widest = between;
      where = fmt::format("{}, m {}: measured {}, predicted {}", describe(make_cell(grid, number)), grid.m[m],
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
