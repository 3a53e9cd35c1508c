// Chains that are given, on explicit prompts.
#pragma once

#include <vector>

#include "cotscale/task/prompt.hpp"
#include "cotscale/train/objective.hpp"

namespace cotscale::detail {

/// w_1 … w_k in a row, from w_0 = 0.
std::vector<double> process_chain(const taught_chain& chain, int k, const prompt& p);

}  // namespace cotscale::detail
