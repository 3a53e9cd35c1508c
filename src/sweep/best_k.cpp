#include "best_k.hpp"

#include <algorithm>
#include <limits>
#include <span>

#include "cotscale/base/paired.hpp"

namespace cotscale::detail {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void append(const std::vector<double>& values, std::vector<double>& to) {
  to.insert(to.end(), values.begin(), values.end());
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

}  // namespace cotscale::detail
