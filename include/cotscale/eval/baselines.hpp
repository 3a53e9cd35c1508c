// What other methods make of the same test prompts.
#pragma once

#include <array>
#include <cstdint>
#include <stop_token>
#include <string_view>

#include "cotscale/eval/roll_out.hpp"

namespace cotscale {

inline constexpr std::array<std::string_view, 4> baseline_names{"least_squares", "ridge", "gradient_descent", "oracle"};

/// Where the best parameter stands in the grid that was tried: at its edge, a better one may lie beyond.
enum class edge_of_grid : std::int8_t { none = -1, inside = 0, at = 1 };

struct baseline_errors {
  error_table errors;    ///< rows k = 0 … steps for those that iterate; one row for those that do not
  double parameter = 0;  ///< ridge: the penalty; gradient descent: the step size; else NaN
  int unit = 0;          ///< the parameter is in units of Σ to this power
  edge_of_grid edge = edge_of_grid::none;
};

/// In the order of baseline_names:
/// - least squares, of minimum norm where the examples do not determine w;
/// - ridge, ŵ = (Ŝ + p I)⁻¹ Ŝ w, with the one penalty p for all prompts that has the least mean error. Labels have no
///   noise, so it is the smallest of those that are tried (from 10⁻⁶ times Σ's least positive eigenvalue to 10 times
///   tr(Σ)/d), or one of several that are as good;
/// - gradient descent, w ← w + η Ŝ(w* − w), with the one step size η that has the least mean error at k = steps, to
///   within 12 %;
/// - oracle: the same steps with the preconditioner Σ⁺ in place of η.
std::array<baseline_errors, baseline_names.size()> evaluate_baselines(const covariance& sigma, int m,
                                                                      const lane_source& source, int prompts, int steps,
                                                                      const std::stop_token& stop);

}  // namespace cotscale
