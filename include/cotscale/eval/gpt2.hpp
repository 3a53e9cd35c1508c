// Chain-of-thought roll-outs of GPT-2-style models over explicit test prompts.
#pragma once

#include <functional>
#include <stop_token>

#include "cotscale/eval/roll_out.hpp"
#include "cotscale/model/gpt2.hpp"

namespace cotscale {

/// Receives prompt number i and its estimates w_0 = 0, ŵ_1, … as rows, (steps + 1, d); from several threads at once.
using chain_visitor = std::function<void(int i, const prompt& p, const matrix& estimates)>;

/// Rolls out prompts 0 … prompts − 1 of the source in shards of fixed size over this rank's threads; a step costs one
/// token. No more steps, and no more examples, than the model has positions for. Throws stopped when asked to stop.
void roll_out_gpt2(const gpt2_model& model, int steps, const prompt_source& source, int prompts,
                   const chain_visitor& visit, const std::stop_token& stop);

/// Bytes that a thread of roll_out_gpt2 keeps: prompts, activations, and keys and values of all tokens.
double roll_out_bytes(const gpt2_layout& layout, double m, double steps);

/// Rolls out as roll_out_gpt2 does. The preconditioner is Γ⁻¹, (d, d).
chain_evaluation evaluate_gpt2(const gpt2_model& model, const matrix& preconditioner, int steps,
                               const prompt_source& source, int prompts, const std::stop_token& stop);

}  // namespace cotscale
