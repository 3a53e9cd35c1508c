// Chain-of-thought roll-outs of linear self-attention by its definition.
#pragma once

#include <stop_token>

#include "cotscale/eval/roll_out.hpp"
#include "cotscale/model/lsa.hpp"

namespace cotscale {

/// Errors by the definition of attention on explicit prompts, one at a time: for any V and W, and slow. Rows k = 0 …
/// steps.
error_table evaluate_definition(const lsa_parameters& model, int steps, const prompt_source& source, int prompts,
                                const std::stop_token& stop);

}  // namespace cotscale
