// The keys of what learns from sampled prompts, whatever it is.
#pragma once

#include <cstdint>
#include <memory>

#include "cotscale/config/keys.hpp"
#include "cotscale/train/learning.hpp"

namespace cotscale {

/// Steps that a training may take.
inline constexpr std::int64_t most_training_steps = std::int64_t{1} << 40;

/// The word that chooses the objective.
void objective_word(config::keys& k, std::shared_ptr<const training_objective>& o);

/// The objective's own keys, those of the optimiser, steps and batches; the objective's word comes before.
void learning_keys(config::keys& k, learning_options& o);

}  // namespace cotscale
