// The keys of objectives and optimisers.
#pragma once

#include <memory>

#include "cotscale/config/keys.hpp"
#include "cotscale/train/curriculum.hpp"
#include "cotscale/train/objective.hpp"
#include "cotscale/train/optimizer.hpp"

namespace cotscale {

/// Steps that a training may take.
inline constexpr std::int64_t most_training_steps = std::int64_t{1} << 40;

/// The word that chooses the objective, and the keys that some objectives have.
void objective_word(config::keys& k, std::shared_ptr<const training_objective>& o);
void objective_keys(config::keys& k, std::shared_ptr<const training_objective>& o);

void optimizer_keys(config::keys& k, optimizer_options& o);

/// `dimension_start` and so on; `of` is "dimension" or "examples", and `what` says in the documentation what grows.
void curriculum_keys(config::keys& k, const std::string& of, const std::string& what, curriculum_ramp& ramp);

}  // namespace cotscale
