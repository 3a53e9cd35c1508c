#include "cell_summary.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "cotscale/experiment/best_k.hpp"

namespace cotscale::detail {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// +inf where the mean has diverged and theory has not.
double z_score(const error_statistics& measured, double theory) {
  if (std::isinf(measured.mean) && std::isfinite(theory)) return measured.mean;
  return (measured.mean - theory) / measured.standard_error;
}

}  // namespace

void store_theory(const cell_theory& theory, bool applies, const coordinates& grid, cell_result& out) {
  const std::vector<double> unknown(grid.k.size(), nan);
  out.theory_limit = applies ? theory.limit : unknown;
  out.theory_bound = applies ? theory.bound : unknown;
  out.spectral_radius = applies ? theory.spectral_radius : nan;
  store_predictions(applies ? theory.predictions : std::vector<chain_prediction>(), grid, out);
}

void store_errors(const std::vector<double>& expected, chain_evaluation chain, cell_result& out) {
  const std::size_t count = expected.size();
  for (auto [from, to] : {std::pair{&chain.newton_slope, &out.newton_slope}, {&chain.newton_r2, &out.newton_r2}}) {
    from->resize(count, nan);
    to->insert(to->end(), from->begin(), from->end());
  }
  constexpr error_statistics none{nan, nan, nan, nan, nan, nan};
  const bool computed = chain.errors.rows > 0;
  std::vector<double> row;  // summarise() reorders it, and prompts are compared below
  for (std::size_t k = 0; k < count; ++k) {
    if (computed)
      row.assign(chain.errors.row(static_cast<int>(k)).begin(), chain.errors.row(static_cast<int>(k)).end());
    const error_statistics s = computed ? summarise(row) : none;
    out.error_mean.push_back(s.mean);
    out.error_stderr.push_back(s.standard_error);
    out.error_median.push_back(s.median);
    out.error_q05.push_back(s.q05);
    out.error_q95.push_back(s.q95);
    out.diverged_share.push_back(s.diverged_share);
    out.theory_error.push_back(expected[k]);
    out.z_score.push_back(z_score(s, expected[k]));
  }
  store_best_k({out.error_mean.end() - static_cast<std::ptrdiff_t>(count), out.error_mean.end()}, chain.errors, out);
}

void store_baseline(const baseline_summary& summary, cell_result& out) {
  out.baseline_parameter.push_back(summary.parameter);
  out.baseline_at_edge.push_back(static_cast<std::int64_t>(summary.edge));
  for (const error_statistics& s : summary.statistics) {
    out.baseline_error.push_back(s.mean);
    out.baseline_stderr.push_back(s.standard_error);
    out.baseline_median.push_back(s.median);
  }
}

}  // namespace cotscale::detail
