// What was computed for a cell, summarised over its prompts and put into its result.
#pragma once

#include <vector>

#include "cotscale/eval/baselines.hpp"
#include "cotscale/eval/roll_out.hpp"
#include "cotscale/eval/statistics.hpp"
#include "cotscale/experiment/cell.hpp"
#include "cotscale/store/layout.hpp"

namespace cotscale::detail {

/// One baseline on the test prompts of one m.
struct baseline_summary {
  std::vector<error_statistics> statistics;  ///< over k
  double parameter = 0;                      ///< in the specification's units
  edge_of_grid edge = edge_of_grid::none;
};

/// Limits, bounds and predictions; NaN if theory does not apply to the model.
void store_theory(const cell_theory& theory, bool applies, const coordinates& grid, cell_result& out);

/// Appends statistics, comparisons and scores of the errors of one m. `expected` holds their exact expectations over
/// k = 0 … K, NaN where there is no formula. A chain without errors was not computed: NaN.
void store_errors(const std::vector<double>& expected, chain_evaluation chain, cell_result& out);

/// Appends the rows of one baseline at one m, over k.
void store_baseline(const baseline_summary& summary, cell_result& out);

}  // namespace cotscale::detail
