// How long a chain should be, measured and predicted, and how sure both are.
#pragma once

#include <span>
#include <vector>

#include "cotscale/eval/roll_out.hpp"
#include "cotscale/experiment/cell.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale::detail {

/// best_k, its interval and the standard errors of differences from it, of the number `m` of the m axis. `means` are
/// the mean errors of k = 0 … K, `errors` those of all prompts.
void store_best_k(std::span<const double> means, error_table& errors, std::size_t m, cell_values& out);

/// What was predicted, over (m, k); 0 draws if nothing was.
void store_predictions(const std::vector<chain_prediction>& predictions, cell_values& out);

/// Prints in how many of the cells that are done the measured and the predicted best k differ by more than either is
/// uncertain: their intervals have no k in common for some m. A measured best k that is too large because the prompts
/// are too few to show the draws that diverge (less than 16 expected) does not count. Prints nothing where nothing was
/// predicted.
void report_best_k(const results_reader& file, const std::vector<cell_status>& status, int prompts);

}  // namespace cotscale::detail
