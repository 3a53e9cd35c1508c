#include "cell_summary.hpp"

#include <cmath>

#include "cotscale/experiment/best_k.hpp"
#include "variables.hpp"

namespace cotscale::detail {
namespace {

// +inf where the mean has diverged and theory has not.
double z_score(const error_statistics& measured, double theory) {
  if (std::isinf(measured.mean) && std::isfinite(theory)) return measured.mean;
  return (measured.mean - theory) / measured.standard_error;
}

}  // namespace

std::span<const variable> error_variables() {
  const std::vector<std::string> over{"stage?", "m", "k"};
  using enum value_type;
  static const std::vector<variable> declared{
      {"error_mean", f64, over, "mean of |w_k - w|^2 over test prompts"},
      {"error_stderr", f64, over, "standard error of error_mean"},
      {"error_median", f64, over, "median of |w_k - w|^2 over test prompts"},
      {"error_q05", f64, over, "5 % quantile of |w_k - w|^2 over test prompts"},
      {"error_q95", f64, over, "95 % quantile of |w_k - w|^2 over test prompts"},
      {"diverged_share", f64, over, "share of test prompts whose error is not finite"},
      {"theory_error", f64, over, "exact expectation of the error at this m, where there is a formula"},
      {"z_score", f64, over, "(error_mean - theory_error) / error_stderr"},
  };
  return declared;
}

std::span<const variable> limit_variables() {
  using enum value_type;
  static const std::vector<variable> declared{
      {"theory_limit", f64, {"stage?", "k"}, "limit of the expected error for m to infinity"},
      {"theory_bound",
       f64,
       {"stage?", "k"},
       "bound of Corollary 3.5 for m to infinity; matched covariances, Gaussian features, no noise"},
  };
  return declared;
}

std::span<const variable> radius_variables() {
  static const std::vector<variable> declared{
      {"spectral_radius", value_type::f64, {"stage?"}, "largest |eigenvalue| of I - Gamma^-1 Sigma"}};
  return declared;
}

std::span<const variable> baseline_variables() {
  const std::vector<std::string> over{"baseline", "m", "k"};
  using enum value_type;
  static const std::vector<variable> declared{
      {"baseline_error", f64, over, "mean of |w_k - w|^2 of the baseline"},
      {"baseline_stderr", f64, over, "standard error of baseline_error"},
      {"baseline_median", f64, over, "median of |w_k - w|^2 of the baseline"},
      {"baseline_parameter",
       f64,
       {"baseline", "m"},
       "penalty of ridge and ridge_noise, in units of Sigma; step size of gradient descent, in those of its inverse"},
      {"baseline_at_edge",
       i64,
       {"baseline", "m"},
       "whether that is the first or last of those that were tried, -1 there is none"},
  };
  return declared;
}

std::span<const variable> newton_variables() {
  const std::vector<std::string> over{"stage?", "m", "k"};
  using enum value_type;
  static const std::vector<variable> declared{
      {"newton_slope", f64, over, "slope of w_{k+1} - w_k on the pseudo-Newton step Gamma^-1 X (y - X^T w_k)/m"},
      {"newton_r2", f64, over, "share of |w_{k+1} - w_k|^2 that this regression explains"},
  };
  return declared;
}

void store_theory(const mixture_theory& theory, cell_values& out) {
  out.write("theory_limit", theory.limit);
  out.write("theory_bound", theory.bound);
  out.set("spectral_radius", theory.spectral_radius);
}

void store_errors(const std::vector<double>& expected, chain_evaluation chain, std::size_t m, cell_values& out) {
  const std::size_t count = expected.size(), first = m * count;
  out.write("newton_slope", chain.newton_slope, first);
  out.write("newton_r2", chain.newton_r2, first);
  out.write("theory_error", expected, first);
  if (chain.errors.rows == 0) return;
  const auto row_of = [&](const char* name) { return out.of<double>(name).subspan(first, count); };
  const std::span<double> mean = row_of("error_mean"), standard_error = row_of("error_stderr"),
                          median = row_of("error_median"), q05 = row_of("error_q05"), q95 = row_of("error_q95"),
                          diverged = row_of("diverged_share"), score = row_of("z_score");
  std::vector<double> row;  // summarise() reorders it, and prompts are compared below
  for (std::size_t k = 0; k < count; ++k) {
    row.assign(chain.errors.row(static_cast<int>(k)).begin(), chain.errors.row(static_cast<int>(k)).end());
    const error_statistics s = summarise(row);
    mean[k] = s.mean;
    standard_error[k] = s.standard_error;
    median[k] = s.median;
    q05[k] = s.q05;
    q95[k] = s.q95;
    diverged[k] = s.diverged_share;
    score[k] = z_score(s, expected[k]);
  }
  store_best_k(mean, chain.errors, m, out);
}

void store_baseline(const baseline_summary& summary, std::size_t row, cell_values& out) {
  out.of<double>("baseline_parameter")[row] = summary.parameter;
  out.of<std::int64_t>("baseline_at_edge")[row] = static_cast<std::int64_t>(summary.edge);
  const std::size_t count = summary.statistics.size();
  const auto row_of = [&](const char* name) { return out.of<double>(name).subspan(row * count, count); };
  const std::span<double> error = row_of("baseline_error"), standard_error = row_of("baseline_stderr"),
                          median = row_of("baseline_median");
  for (std::size_t k = 0; k < count; ++k) {
    error[k] = summary.statistics[k].mean;
    standard_error[k] = summary.statistics[k].standard_error;
    median[k] = summary.statistics[k].median;
  }
}

}  // namespace cotscale::detail
