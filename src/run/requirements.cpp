#include "cotscale/run/requirements.hpp"

#include <fmt/format.h>

#include "cotscale/base/output.hpp"
#include "cotscale/experiment/cost_model.hpp"
#include "cotscale/experiment/directions.hpp"
#include "cotscale/experiment/initial_weights.hpp"
#include "cotscale/run/resources.hpp"

namespace cotscale {
namespace {

// What a cell needs depends on its model, its mixture and n.
void require_memory_for_cells(const specification& spec, const coordinates& grid, int threads) {
  cost_model costs(spec);
  for (const std::size_t number : cells_asked_for(spec, grid)) {
    const cell c = make_cell(grid, number);
    if (c.position[hardness_axis] + c.position.back() > 0) continue;
    require_memory(costs.estimate(c, threads).bytes, describe(c));
  }
}

}  // namespace

coordinates require_grid(const specification& spec) {
  require_memory(least_bytes(spec), fmt::format("task.d = {}", spec.d));
  return make_coordinates(spec);
}

void require_runnable(const specification& spec, const coordinates& grid, int threads) {
  require_memory_for_cells(spec, grid, threads);
  detail::require_initial_weights(spec, grid);
  for (const std::string& warning : detail::untouched_directions(spec)) warn("{}", warning);
}

void require_selection_possible(const specification& spec, int threads) {
  require_memory(least_bytes(spec), "The choice among these tasks");
  detail::require_selection_target(spec);
  if (!spec.models.empty()) require_runnable(spec, require_grid(spec), threads);
}

}  // namespace cotscale
