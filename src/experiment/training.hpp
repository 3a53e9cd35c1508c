// The model of a cell: trained, and put into its results.
#pragma once

#include <optional>
#include <stop_token>

#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/model/gpt2.hpp"
#include "cotscale/model/lsa.hpp"
#include "cotscale/store/cell_values.hpp"
#include "cotscale/task/mixture.hpp"

namespace cotscale::detail {

/// A trained model, and the part of the results that tells of its training.
struct trained_model {
  std::optional<lsa_slice> slice;  ///< if it is on the slice of Theorem 3.1; else (all in the specification's units)
  lsa_parameters general;          ///< all of V and W; or
  std::optional<gpt2_model> gpt2;
  matrix preconditioner;  ///< of the slice, in the target's units
  cell_values record;

  /// V and W of linear self-attention.
  lsa_parameters parameters() const { return slice ? full_parameters(*slice) : general; }
};

/// Trains the cell's model on these tasks, in the specification's units, and holds it against the population optimum
/// that theory knows of them. `schema` is that of its results. Throws stopped when asked to stop, specification_error
/// for initial weights that are not there any more.
trained_model train_model(const specification& spec, const coordinates& grid, const cell& c, const task_mixture& tasks,
                          const mixture_theory& theory, const std::shared_ptr<const results_schema>& schema,
                          const std::stop_token& stop);

/// Weights of a model that keeps them.
void store_weights(const trained_model& model, cell_values& out);

}  // namespace cotscale::detail
