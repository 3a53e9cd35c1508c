// Whether what a cell measured is right: scores of its errors, standard normal if it is. Pure functions; docs/theory.md
// says why they are made so.
#pragma once

#include <cstddef>
#include <vector>

#include "cotscale/eval/roll_out.hpp"
#include "cotscale/store/cell_values.hpp"
#include "cotscale/theory/null_distribution.hpp"

namespace cotscale {

/// The trained and the exact map are rolled out on the same prompts for so many steps.
inline constexpr int paired_steps = 3;

/// Over k = 0 … steps; NaN where nothing is compared.
struct error_scores {
  std::vector<double> exact_z, simulated_z;
  std::vector<double> paired_difference, paired_stderr, paired_distance;
};

/// Of the errors of one m. Rows 0 … steps of `errors` are the chain's; if there are more, rows steps + 1 … are the
/// errors of the exact map on the same prompts, k = 0 … min(steps, paired_steps). `null` may be null: then only k = 0
/// has a score. `tolerance` is what the trained map may be off, relative. ‖w‖² has `degrees`
/// degrees of freedom (weight_prior::degrees). Does not change the errors.
error_scores score_errors(error_table& errors, int steps, int d, const null_distribution* null, double tolerance,
                          int degrees);

/// Of the number `m` of the m axis.
void store_scores(const error_scores& scores, std::size_t m, cell_values& out);

/// The largest paired_distance at k of a map whose every direction is off by `tolerance`, relative, at most.
double allowed_distance(double tolerance, int k);

}  // namespace cotscale
