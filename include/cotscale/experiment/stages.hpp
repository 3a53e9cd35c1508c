// The trainings of a model that follow each other (`[[models.NAME.stages]]`); a model without the list has one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cotscale/experiment/grid.hpp"
#include "cotscale/experiment/specification.hpp"

namespace cotscale {

/// How many a model has, and the most that any of a specification has; at least 1.
std::size_t stage_count(const model_specification& model);
std::size_t most_stages(const specification& spec);

/// A model as it is trained in one of its stages.
const sequence_model& training_of(const model_specification& model, std::size_t stage);
const sequence_model& training_of(const specification& spec, const cell& c);

/// The cell as one stage of its model has it: of the stage's mixture, if that has one of its own.
cell at_stage(const specification& spec, const cell& c, std::size_t stage);

/// The mixtures that a stage of the model is trained on: its own, or all of the sweep.
std::vector<std::string> mixtures_of(const specification& spec, const model_specification& model, std::size_t stage);

/// Those of the sweep, and those of stages only.
std::vector<std::string> all_mixtures(const specification& spec);

/// Those of stages only, for any values of varied keys.
std::vector<std::string> mixtures_of_stages_alone(const specification& spec);

}  // namespace cotscale
