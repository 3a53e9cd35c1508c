// Chain-of-thought roll-outs over many test prompts.
#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "cotscale/model/lsa.hpp"
#include "cotscale/task/prompt.hpp"

namespace cotscale {

/// Rolls a model out on one prompt: writes ‖w_k − w‖² for k = 0 … errors.size() − 1. Called from several threads at
/// once.
using roll_out = std::function<void(const prompt&, std::span<double> errors)>;

/// By the recursion of Proposition 3.2; valid on the slice only.
roll_out lsa_recursion(const lsa_slice& model);

/// By the definition with the full embedding; valid for any V and W, and slow.
roll_out lsa_definition(const lsa_parameters& model);

/// Squared errors of shape (steps + 1, prompts), row-major.
struct error_table {
  int steps = 0;
  int prompts = 0;
  std::vector<double> values;
  std::span<double> at_step(int k);
};

/// Prompts 0 … prompts − 1 of the source, in shards over this rank's threads. Throws stopped when asked to stop.
error_table roll_out_errors(const roll_out& model, const prompt_source& source, int prompts, int steps,
                            const std::stop_token& stop);

}  // namespace cotscale
