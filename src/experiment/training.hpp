// The model of a cell: trained, and put into its results.
#pragma once

#include <memory>
#include <stop_token>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/store/cell_values.hpp"
#include "cotscale/task/mixture.hpp"

namespace cotscale::detail {

/// Trains the cell's model, as it is at its stage, on these tasks, in the specification's units, and holds it against
/// the population optimum that theory knows of them. `before` is what the stage before has left; null: there was none.
/// Throws stopped when asked to stop, specification_error for initial weights that are not there any more.
std::shared_ptr<const trained_sequence> train_model(const specification& spec, const coordinates& grid, const cell& c,
                                                    const trained_sequence* before, const task_mixture& tasks,
                                                    const mixture_theory& theory, const std::stop_token& stop);

/// What the results tell of a training.
void store_training(const trained_sequence& model, cell_values& out);

/// Weights of a model that keeps them; `name` is the model's.
void store_weights(const trained_sequence& model, const std::string& name, const coordinates& grid, cell_values& out);

}  // namespace cotscale::detail
