#include "cotscale/experiment/grid.hpp"

#include <algorithm>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/eval/baselines.hpp"
#include "cotscale/experiment/models.hpp"
#include "kept_weights.hpp"
#include "units.hpp"

namespace cotscale {
namespace {

std::vector<std::int64_t> training_step_axis(const specification& spec) {
  std::int64_t most = 0;
  for (const auto& [name, model] : spec.model_tables) most = std::max(most, make_model(model)->most_training_steps());
  std::vector<std::int64_t> steps{0};
  for (std::int64_t step = 1; step <= most; step *= 2) steps.push_back(step);
  return steps;
}

}  // namespace

std::string describe(const cell& c) {
  return fmt::format("model {}, mixture {}, hardness {:.6g}, n {}, repeat {}", c.model, c.mixture, c.hardness, c.n,
                     c.repeat);
}

coordinates make_coordinates(const specification& spec) {
  coordinates grid{.models = spec.models,
                   .mixtures = spec.mixtures,
                   .hardness = spec.hardness,
                   .target_support_hardness = {},
                   .n = spec.n,
                   .repeats = std::vector<std::int64_t>(static_cast<std::size_t>(spec.repeats)),
                   .m = spec.m,
                   .k = std::vector<std::int64_t>(static_cast<std::size_t>(spec.steps) + 1),
                   .training_steps = training_step_axis(spec),
                   .baselines = {},
                   .tasks = {},
                   .rows = {},
                   .weights = detail::kept_weights(spec)};
  std::iota(grid.repeats.begin(), grid.repeats.end(), 0);
  std::iota(grid.k.begin(), grid.k.end(), 0);
  if (spec.target.spectrum) grid.hardness = {target_covariance(spec, 0).hardness()};
  for (const double hardness : grid.hardness) {
    grid.target_support_hardness.push_back(target_covariance(spec, hardness).support_hardness());
  }
  for (const baseline* b : baselines_for(spec.noise > 0)) {
    if (spec.baselines) grid.baselines.emplace_back(b->name);
  }
  grid.tasks = candidate_names(spec.tasks);
  grid.rows.resize(detail::kept_rows(spec));
  std::iota(grid.rows.begin(), grid.rows.end(), 0);
  const covariance target = target_covariance(spec, grid.hardness.front());
  for (const std::string& mixture : spec.mixtures) {
    if (!depends_on_candidates(spec, mixture)) mixture_covariance(spec, mixture, target);
  }
  detail::require_in_range(spec, grid);
  return grid;
}

cell make_cell(const coordinates& grid, std::size_t number) {
  const cell_position p = position_of(grid, number);
  return {.position = p,
          .model = grid.models[p[model_axis]],
          .mixture = grid.mixtures[p[mixture_axis]],
          .hardness = grid.hardness[p[hardness_axis]],
          .n = grid.n[p[n_axis]],
          .repeat = grid.repeats[p.back()]};
}

std::optional<cell_position> find_cell(const coordinates& grid, const cell& c) {
  cell_position out(first_further_axis + grid.further.size() + 1);
  const auto find = [](const auto& values, const auto& value, std::size_t& index) {
    index = static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
    return index < values.size();
  };
  const bool found = find(grid.models, c.model, out[model_axis]) && find(grid.mixtures, c.mixture, out[mixture_axis]) &&
                     find(grid.hardness, c.hardness, out[hardness_axis]) && find(grid.n, c.n, out[n_axis]) &&
                     find(grid.repeats, c.repeat, out.back());
  return found ? std::optional(out) : std::nullopt;
}

}  // namespace cotscale
