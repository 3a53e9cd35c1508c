// What one cell computes: training, roll-outs on the test prompts of every m, and the theory beside them.
#pragma once

#include <stop_token>

#include "cotscale/sweep/grid.hpp"

namespace cotscale {

/// Throws stopped when asked to stop, numerical_error if there is no answer. The result depends on the specification
/// and the cell only.
cell_result compute_cell(const specification& spec, const coordinates& grid, const cell& c,
                         const std::stop_token& stop);

}  // namespace cotscale
