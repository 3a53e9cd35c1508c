// An objective as a part: a file of its own in train/objectives, and a line in the list there. What a model's losses
// are made of follows from these answers; a model adds only what it reads out.
#pragma once

#include <span>
#include <string_view>

#include "cotscale/train/objective.hpp"

namespace cotscale {

struct objective_part {
  objective kind;
  std::string_view word;
  std::string_view help;
  bool has_chain = true;      ///< the chain has k_train steps; else one
  bool draws_length = false;  ///< its length is drawn for each batch, uniform in 1 … k_train
  bool teaches = false;       ///< tokens are the constants process_targets, and each output's target is the next; else
                              ///< tokens are the outputs, and the target is w
  bool through_tokens = false;  ///< the gradient goes through the tokens
  bool last_estimate = false;   ///< the last output alone counts, by its estimate alone; else all, each with 1/k
};

/// All of them, in the order of `objective`.
std::span<const objective_part* const> objective_parts();

const objective_part& part_of(objective kind);

}  // namespace cotscale
