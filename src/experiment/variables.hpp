// The variables of each part that computes results; each list is defined beside the code that writes them.
#pragma once

#include <span>

#include "cotscale/store/schema.hpp"

namespace cotscale::detail {

std::span<const variable> error_variables();     // cell_summary.cpp
std::span<const variable> score_variables();     // scores.cpp
std::span<const variable> limit_variables();     // cell_summary.cpp
std::span<const variable> training_variables();  // training.cpp
std::span<const variable> best_k_variables();    // best_k.cpp
std::span<const variable> radius_variables();    // cell_summary.cpp
std::span<const variable> baseline_variables();  // cell_summary.cpp
std::span<const variable> newton_variables();    // cell_summary.cpp
std::span<const variable> mixture_variables();   // cell.cpp
std::span<const variable> weight_variables();    // training.cpp

}  // namespace cotscale::detail
