#include "cotscale/store/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"

namespace cotscale {

std::string_view name(axis a) {
  constexpr std::array names{"model", "mixture",       "hardness", "n",    "repeat", "m",
                             "k",     "training_step", "baseline", "task", "row",    "column"};
  return names.at(static_cast<std::size_t>(a));
}

std::string path_of(axis a) {
  if (a == axis::row || a == axis::column) return fmt::format("{}/{}", weights_group, name(a));
  return std::string(name(a));
}

std::size_t weight_variable::size() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

std::size_t coordinates::length(axis a) const {
  switch (a) {
    case axis::model:
      return models.size();
    case axis::mixture:
      return mixtures.size();
    case axis::hardness:
      return hardness.size();
    case axis::n:
      return n.size();
    case axis::repeat:
      return repeats.size();
    case axis::m:
      return m.size();
    case axis::k:
      return k.size();
    case axis::training_step:
      return training_steps.size();
    case axis::baseline:
      return baselines.size();
    case axis::task:
      return tasks.size();
    case axis::row:
    case axis::column:
      return rows.size();
  }
  throw precondition_error("coordinates::length: no such axis");
}

std::size_t coordinates::volume(std::span<const axis> axes) const {
  std::size_t product = 1;
  for (const axis a : axes) product *= length(a);
  return product;
}

std::size_t coordinates::cell_count() const { return volume(cell_axes); }

std::size_t cell_number(const coordinates& grid, const cell_position& position) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < cell_axes.size(); ++i) number = number * grid.length(cell_axes[i]) + position[i];
  return number;
}

cell_position position_of(const coordinates& grid, std::size_t number) {
  cell_position position{};
  for (std::size_t i = cell_axes.size(); i-- > 0;) {
    position[i] = number % grid.length(cell_axes[i]);
    number /= grid.length(cell_axes[i]);
  }
  return position;
}

std::span<const payload_variable> payload_variables() {
  using r = cell_result;
  const std::vector<axis> m_and_k{axis::m, axis::k};
  const std::vector<axis> baseline_axes{axis::baseline, axis::m, axis::k};
  static const std::vector<payload_variable> table{
      {"error_mean", &r::error_mean, m_and_k, "mean of |w_k - w|^2 over test prompts"},
      {"error_stderr", &r::error_stderr, m_and_k, "standard error of error_mean"},
      {"error_median", &r::error_median, m_and_k, "median of |w_k - w|^2 over test prompts"},
      {"error_q05", &r::error_q05, m_and_k, "5 % quantile of |w_k - w|^2 over test prompts"},
      {"error_q95", &r::error_q95, m_and_k, "95 % quantile of |w_k - w|^2 over test prompts"},
      {"diverged_share", &r::diverged_share, m_and_k, "share of test prompts whose error is not finite"},
      {"theory_error", &r::theory_error, m_and_k, "exact expectation of the error at this m, where there is a formula"},
      {"z_score", &r::z_score, m_and_k, "(error_mean - theory_error) / error_stderr"},
      {"exact_z", &r::exact_z, m_and_k,
       "score of the mean error against its exact expectation, normal if all is right"},
      {"simulated_z", &r::simulated_z, m_and_k, "score of the errors against simulated ones, normal if all is right"},
      {"paired_difference", &r::paired_difference, m_and_k,
       "mean over test prompts of the error minus that of the exact map"},
      {"paired_stderr", &r::paired_stderr, m_and_k, "standard error of paired_difference"},
      {"paired_distance", &r::paired_distance, m_and_k,
       "mean size of that difference, relative to the errors of the exact map"},
      {"theory_limit", &r::theory_limit, {axis::k}, "limit of the expected error for m to infinity"},
      {"theory_bound",
       &r::theory_bound,
       {axis::k},
       "bound of Corollary 3.5 for m to infinity, matched covariances only"},
      {"training_steps", &r::training_steps, {}, "gradient-descent steps taken, -1 not computed"},
      {"step_size", &r::step_size, {}, "constant step of gradient descent"},
      {"step_size_paper", &r::step_size_paper, {}, "the step of Theorem 3.1, 1/(c^2 |Gamma|)"},
      {"gradient_norm", &r::gradient_norm, {}, "norm of the last gradient relative to the first"},
      {"final_loss", &r::final_loss, {}, "population loss after the last step"},
      {"training_loss", &r::training_loss, {axis::training_step}, "population loss during training"},
      {"training_distance",
       &r::training_distance,
       {axis::training_step},
       "relative distance of the preconditioner from Gamma^-1 during training"},
      {"training_off_slice",
       &r::training_off_slice,
       {axis::training_step},
       "norm of the blocks of V and W that stay zero in Theorem 3.1, relative to V31"},
      {"preconditioner_error", &r::preconditioner_error, {}, "relative distance of the preconditioner from Gamma^-1"},
      {"weakest_direction_error",
       &r::weakest_direction_error,
       {},
       "largest relative distance of the preconditioner from Gamma^-1 along any of its directions"},
      {"w24", &r::w24, {}, "W24 after training"},
      {"converged", &r::converged, {}, "whether training came to its end as it should"},
      {"training_diverged", &r::training_diverged, {}, "whether training diverged"},
      {"best_k", &r::best_k, {axis::m}, "k with the least error_mean"},
      {"predicted_best_k", &r::predicted_best_k, {axis::m}, "k with the least predicted_error, -1 not predicted"},
      {"difference_stderr", &r::difference_stderr, m_and_k,
       "standard error of error_mean - error_mean at best_k, on the same prompts"},
      {"best_k_first", &r::best_k_first, {axis::m}, "first k that the prompts do not tell apart from best_k"},
      {"best_k_last", &r::best_k_last, {axis::m}, "last k that the prompts do not tell apart from best_k"},
      {"predicted_difference_stderr", &r::predicted_difference_stderr, m_and_k,
       "standard error of predicted_error - predicted_error at predicted_best_k, on the same draws"},
      {"predicted_best_k_first",
       &r::predicted_best_k_first,
       {axis::m},
       "first k that the draws do not tell apart from predicted_best_k"},
      {"predicted_best_k_last",
       &r::predicted_best_k_last,
       {axis::m},
       "last k that the draws do not tell apart from predicted_best_k"},
      {"predicted_draws", &r::predicted_draws, {axis::m}, "Wishart draws that were taken, 0 not predicted"},
      {"predicted_error", &r::predicted_error, m_and_k, "expected error over Wishart draws, from Gamma^-1 alone"},
      {"predicted_stderr", &r::predicted_stderr, m_and_k, "standard error of predicted_error"},
      {"predicted_diverging_share",
       &r::predicted_diverging_share,
       {axis::m},
       "share of Wishart draws in which an eigenvalue of I - Gamma^-1 S is above 1 in size"},
      {"spectral_radius", &r::spectral_radius, {}, "largest |eigenvalue| of I - Gamma^-1 Sigma"},
      {"baseline_error", &r::baseline_error, baseline_axes, "mean of |w_k - w|^2 of the baseline"},
      {"baseline_stderr", &r::baseline_stderr, baseline_axes, "standard error of baseline_error"},
      {"baseline_median", &r::baseline_median, baseline_axes, "median of |w_k - w|^2 of the baseline"},
      {"baseline_parameter",
       &r::baseline_parameter,
       {axis::baseline, axis::m},
       "penalty of ridge, step size of gradient descent"},
      {"baseline_at_edge",
       &r::baseline_at_edge,
       {axis::baseline, axis::m},
       "whether that is the first or last of those that were tried, -1 there is none"},
      {"newton_slope", &r::newton_slope, m_and_k,
       "slope of w_{k+1} - w_k on the pseudo-Newton step Gamma^-1 S (w - w_k), of GPT-2"},
      {"newton_r2", &r::newton_r2, m_and_k, "share of |w_{k+1} - w_k|^2 that this regression explains"},
      {"task_probability", &r::task_probability, {axis::task}, "share of the training prompts that have this task"},
      {"v", &r::v, {axis::row, axis::column}, "V after training"},
      {"w", &r::w, {axis::row, axis::column}, "W after training"},
  };
  return table;
}

bool is_present(const payload_variable& variable, const coordinates& grid) {
  return grid.volume(variable.own_axes) > 0;
}

std::span<const std::byte> bytes_of(const payload_variable& variable, const cell_result& result) {
  return std::visit(
      [&](auto member) -> std::span<const std::byte> {
        const auto& value = result.*member;
        if constexpr (requires { value.data(); }) {
          return std::as_bytes(std::span(value));
        } else {
          return std::as_bytes(std::span(&value, 1));
        }
      },
      variable.member);
}

std::uint64_t payload_checksum(const cell_result& result) {
  checksum sum;
  for (const payload_variable& variable : payload_variables()) sum.add(bytes_of(variable, result));
  sum.add(std::as_bytes(std::span(result.weights)));
  return sum.value();
}

std::string path_of(const payload_variable& variable) {
  const bool weights =
      std::find(variable.own_axes.begin(), variable.own_axes.end(), axis::row) != variable.own_axes.end();
  return weights ? fmt::format("{}/{}", weights_group, variable.name) : std::string(variable.name);
}

std::string path_of(const weight_variable& weight) { return fmt::format("{}/{}", weights_group, weight.name); }

std::span<const record_variable> record_variables() {
  using r = cell_record;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  static const std::vector<record_variable> table{
      {"attempt", &r::attempt, std::int32_t{0}, "attempts that came to an end"},
      {"rank", &r::rank, std::int32_t{-1}, "MPI rank that computed the cell"},
      // An integer: readers decode it to a time, which NaN is not.
      {"start_time", &r::start_time, std::int64_t{0}, "start of the computation",
       "milliseconds since 1970-01-01 00:00:00"},
      {"wall_seconds", &r::wall_seconds, nan, "time that the cell took", "s"},
      {"training_seconds", &r::training_seconds, nan, "time that its training took, of GPT-2", "s"},
      {"tokens_per_second", &r::tokens_per_second, nan, "rate of its training, of GPT-2", "s-1"},
  };
  return table;
}

std::uint64_t record_checksum(cell_status status, const cell_record& record, std::uint64_t payload) {
  checksum sum;
  const auto add = [&](const auto& value) { sum.add(std::as_bytes(std::span(&value, 1))); };
  add(static_cast<std::int8_t>(status));
  for (const record_variable& v : record_variables()) {
    std::visit([&](auto member) { add(record.*member); }, v.member);
  }
  add(payload);
  return sum.value();
}

std::uint64_t payload_bytes(const coordinates& grid) {
  std::uint64_t per_cell = sizeof(std::int8_t) + 2 * sizeof(std::uint64_t);  // status and the two checksums
  for (const record_variable& v : record_variables()) {
    per_cell += std::visit([](const auto& value) { return sizeof(value); }, v.pending);
  }
  for (const payload_variable& variable : payload_variables()) {
    const bool small = std::holds_alternative<std::int8_t cell_result::*>(variable.member);
    per_cell += grid.volume(variable.own_axes) * (small ? 1 : 8);
  }
  for (const weight_variable& weight : grid.weights) per_cell += weight.size() * sizeof(float);
  return per_cell * grid.cell_count();
}

}  // namespace cotscale
