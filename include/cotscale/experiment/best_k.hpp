// How long a chain should be, measured and predicted, and how sure both are.
#pragma once

#include <vector>

#include "cotscale/eval/roll_out.hpp"
#include "cotscale/experiment/cell.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale::detail {

/// Appends best_k, its interval and the standard errors of differences from it, of one m. `means` are the mean errors
/// of k = 0 … K, `errors` those of all prompts; without rows, nothing was computed: −1 and NaN.
void store_best_k(const std::vector<double>& means, error_table& errors, cell_result& out);

/// Fills in what was predicted, over (m, k); NaN, −1 and 0 draws where `predictions` is empty.
void store_predictions(const std::vector<chain_prediction>& predictions, const coordinates& grid, cell_result& out);

/// Prints in how many of the cells that are done the measured and the predicted best k differ by more than either is
/// uncertain: their intervals have no k in common for some m. A measured best k that is too large because the prompts
/// are too few to show the draws that diverge (less than 16 expected) does not count. Prints nothing where nothing was
/// predicted.
void report_best_k(const results_reader& file, const std::vector<cell_status>& status, int prompts);

}  // namespace cotscale::detail
