// What was computed for a cell, summarised over its prompts and put into its results.
#pragma once

#include <vector>

#include "cotscale/eval/baselines.hpp"
#include "cotscale/eval/roll_out.hpp"
#include "cotscale/eval/statistics.hpp"
#include "cotscale/experiment/cell.hpp"

namespace cotscale::detail {

/// One baseline on the test prompts of one m.
struct baseline_summary {
  std::vector<error_statistics> statistics;  ///< over k
  double parameter = 0;                      ///< in the specification's units
  edge_of_grid edge = edge_of_grid::none;
};

/// Limits and bounds.
void store_theory(const mixture_theory& theory, cell_values& out);

/// Statistics and comparisons of the errors of the number `m` of the m axis. `expected` holds their exact expectations
/// over k = 0 … K, NaN where there is no formula. A chain without errors was not computed.
void store_errors(const std::vector<double>& expected, chain_evaluation chain, std::size_t m, cell_values& out);

/// The row of one baseline at one m, numbered over (baseline, m).
void store_baseline(const baseline_summary& summary, std::size_t row, cell_values& out);

}  // namespace cotscale::detail
