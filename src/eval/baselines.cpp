#include "cotscale/eval/baselines.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "baselines/common.hpp"
#include "cotscale/config/part.hpp"
#include "cotscale/eval/statistics.hpp"

namespace cotscale {
namespace {

// Rows of the runs, one below the other.
error_table pass(const std::vector<std::unique_ptr<baseline_run>>& runs, const lane_source& source, int prompts,
                 const std::stop_token& stop) {
  int rows = 0;
  for (const auto& run : runs) rows += run->rows();
  if (rows == 0) return {};
  const auto all = [&](const prompt_lanes& p, matrix& errors) {
    thread_local matrix part;
    double* to = errors.data();
    for (const auto& run : runs) {
      if (run->rows() == 0) continue;
      part.reshape(run->rows(), lane_count);
      run->compute(p, part);
      to = std::copy_n(part.data(), part.size(), to);
    }
  };
  return evaluate(all, rows, source, prompts, stop);
}

}  // namespace

namespace detail {

void squared_norms(const matrix& x, double* out) {
  std::fill_n(out, lane_count, 0.0);
  for (int j = 0; j < x.rows(); ++j) {
    for (int lane = 0; lane < lane_count; ++lane) out[lane] += x(j, lane) * x(j, lane);
  }
}

std::vector<double> geometric(double factor, double ratio, int count) {
  std::vector<double> values(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = factor * std::pow(ratio, i);
  return values;
}

int best_row(error_table& table, int count) {
  int best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < count; ++i) {
    std::vector<double> values(table.row(i).begin(), table.row(i).end());
    if (const double mean = summarise(values).mean; mean < least) {
      least = mean;
      best = i;
    }
  }
  return best;
}

error_table one_row(error_table& table, int i) {
  const auto values = table.row(i);
  return {.rows = 1, .prompts = table.prompts, .values = {values.begin(), values.end()}};
}

}  // namespace detail

namespace baseline_parts {

// The list: a new baseline is a file in eval/baselines and a line below.
// clang-format off
constexpr std::array parts{
    &config::part<baseline, struct least_squares>,
    &config::part<baseline, struct ridge>,
    &config::part<baseline, struct gradient_descent>,
    &config::part<baseline, struct oracle>,
    &config::part<baseline, struct ridge_noise>,
};
// clang-format on

}  // namespace baseline_parts

std::span<const baseline* const> baselines() {
  static const auto all = config::parts_of(baseline_parts::parts);
  return all;
}

std::vector<const baseline*> baselines_for(bool noise) {
  std::vector<const baseline*> out;
  for (const baseline* b : baselines()) {
    if (noise || !b->needs_noise) out.push_back(b);
  }
  return out;
}

std::vector<baseline_errors> evaluate_baselines(std::span<const baseline* const> chosen,
                                                const baseline_setting& setting, const lane_source& source, int prompts,
                                                const std::stop_token& stop) {
  std::vector<std::unique_ptr<baseline_run>> runs;
  for (const baseline* b : chosen) runs.push_back(b->start(setting));
  for (;;) {
    error_table table = pass(runs, source, prompts, stop);
    if (table.rows == 0) break;
    int first = 0;
    for (const auto& run : runs) {
      const int rows = run->rows();
      if (rows == 0) continue;
      error_table part{.rows = rows, .prompts = prompts, .values = {}};
      const double* from = table.row(first).data();
      part.values.assign(from, from + static_cast<std::ptrdiff_t>(rows) * prompts);
      run->take(std::move(part));
      first += rows;
    }
  }
  std::vector<baseline_errors> out;
  for (const auto& run : runs) out.push_back(run->result());
  return out;
}

}  // namespace cotscale
