#include "cotscale/experiment/grid.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/eval/baselines.hpp"
#include "cotscale/experiment/directions.hpp"
#include "cotscale/experiment/matrices.hpp"
#include "cotscale/experiment/stages.hpp"
#include "kept_weights.hpp"
#include "units.hpp"

namespace cotscale {
namespace {

std::vector<std::int64_t> training_step_axis(const specification& spec) {
  std::int64_t most = 0;
  for (const auto& [name, table] : spec.model_tables) {
    for (std::size_t s = 0; s < stage_count(table); ++s) {
      most = std::max(most, training_of(table, s).most_training_steps());
    }
  }
  std::vector<std::int64_t> steps{0};
  if (spec.record_every == 0) {
    for (std::int64_t step = 1; step <= most; step *= 2) steps.push_back(step);
    return steps;
  }
  constexpr std::int64_t most_records = 100'000;
  if (most / spec.record_every > most_records) {
    throw specification_error(
        fmt::format("sweep.record_every is {}, which makes {} records of {} steps of training; {} "
                    "are the most: raise it",
                    spec.record_every, most / spec.record_every, most, most_records));
  }
  for (std::int64_t step = spec.record_every; step <= most; step += spec.record_every) steps.push_back(step);
  return steps;
}

}  // namespace

std::string hardness_in_words(double hardness) { return hardness > 0 ? fmt::format("{:.6g}", hardness) : "of its own"; }

std::string describe(const cell& c) {
  std::string text = fmt::format("model {}, mixture {}, hardness {}, n {}, repeat {}", c.model, c.mixture,
                                 hardness_in_words(c.hardness), c.n, c.repeat);
  for (const auto& [axis, value] : c.varied) text += fmt::format(", {} {}", axis, value);
  return text;
}

namespace {

coordinates coordinates_of_one(const specification& spec) {
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
  if (has_own_covariance(spec.target)) grid.hardness = {target_covariance(spec, 0).hardness()};
  for (const double hardness : grid.hardness) {
    grid.target_support_hardness.push_back(target_covariance(spec, hardness).support_hardness());
  }
  for (const baseline* b : baselines_for(spec.noise > 0)) {
    if (spec.baselines) grid.baselines.emplace_back(b->name);
  }
  grid.tasks = candidate_names(spec.tasks);
  grid.rows.resize(detail::kept_rows(spec));
  std::iota(grid.rows.begin(), grid.rows.end(), 0);
  if (most_stages(spec) > 1) grid.stages.resize(most_stages(spec));
  std::iota(grid.stages.begin(), grid.stages.end(), 0);
  // What is wrong with a mixture's covariance shows when it is built, before any cell is.
  const covariance target = target_covariance(spec, grid.hardness.front());
  for (const std::string& mixture : all_mixtures(spec)) {
    if (!depends_on_candidates(spec, mixture)) static_cast<void>(mixture_covariance(spec, mixture, target));
  }
  detail::require_in_range(spec, grid);
  detail::require_inverses(spec, grid);
  return grid;
}

// The coordinate of a varied key: integers or numbers if all of its values are, else texts.
dimension dimension_of(const varied_key& key) {
  dimension out{.name = key.name, .values = {}, .long_name = key.key, .of_cells = true};
  std::vector<std::int64_t> integers;
  std::vector<double> numbers;
  std::vector<std::string> texts;
  for (const std::string& value : key.values) {
    const toml::table parsed = toml::parse("value = " + value);
    const toml::node& node = *parsed.get("value");
    if (const auto integer = node.value_exact<std::int64_t>()) integers.push_back(*integer);
    if (node.is_number()) numbers.push_back(node.value<double>().value());
    texts.push_back(node.is_string() ? node.value<std::string>().value() : value);
  }
  if (integers.size() == texts.size()) {
    out.values = std::move(integers);
  } else if (numbers.size() == texts.size()) {
    out.values = std::move(numbers);
  } else {
    out.values = std::move(texts);
  }
  return out;
}

[[noreturn]] void refuse(const specification& spec, const char* what) {
  std::vector<std::string> keys;
  for (const varied_key& axis : spec.axes) keys.push_back(axis.key);
  throw specification_error(fmt::format("sweep.axes: {} ({})", what, fmt::join(keys, ", ")));
}

// Takes in what another combination of values has beyond this one.
void complete(coordinates& grid, const coordinates& other, const specification& spec) {
  if (other.tasks != grid.tasks) refuse(spec, "candidates of [tasks] must have the same names for all values");
  if (other.weights != grid.weights || other.rows != grid.rows) {
    refuse(spec, "weights that are kept must have the same shapes for all values; set keep_weights = false");
  }
  if (other.stages.size() > grid.stages.size()) grid.stages = other.stages;
  if (other.training_steps.size() > grid.training_steps.size()) grid.training_steps = other.training_steps;
  if (other.baselines.size() > grid.baselines.size()) grid.baselines = other.baselines;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t i = 0; i < grid.hardness.size(); ++i) {
    if (other.hardness[i] != grid.hardness[i]) grid.hardness[i] = nan;
    if (other.target_support_hardness[i] != grid.target_support_hardness[i]) grid.target_support_hardness[i] = nan;
  }
}

}  // namespace

coordinates make_coordinates(const specification& spec) {
  coordinates grid = coordinates_of_one(variant_of(spec, 0));
  for (std::size_t i = 1; i < variant_count(spec); ++i) complete(grid, coordinates_of_one(variant_of(spec, i)), spec);
  for (const varied_key& key : spec.axes) grid.further.push_back(dimension_of(key));
  detail::add_matrix_dimensions(spec, grid);
  return grid;
}

std::size_t variant_at(const coordinates& grid, const cell_position& position) {
  std::size_t variant = 0;
  for (std::size_t i = 0; i < grid.further.size(); ++i) {
    variant = variant * grid.further[i].length() + position.at(first_further_axis + i);
  }
  return variant;
}

namespace {

// Whether a model trains on the mixture in any of its stages, in the cells of the mixture `of_cell`.
bool trains_on(const model_specification& model, const std::string& mixture, const std::string& of_cell) {
  const auto is_its = [&](const training_stage& stage) { return stage.mixture == mixture; };
  return mixture == of_cell || std::any_of(model.stages.begin(), model.stages.end(), is_its);
}

}  // namespace

bool is_asked_for(const specification& spec, const coordinates& grid, std::size_t number) {
  const cell_position p = position_of(grid, number);
  const specification& own = variant_of(spec, variant_at(grid, p));
  const model_specification& model = own.model_tables.at(grid.models[p[model_axis]]);
  for (std::size_t i = 0; i < spec.axes.size(); ++i) {
    const varied_key& key = spec.axes[i];
    const bool others = (!key.model.empty() && key.model != grid.models[p[model_axis]]) ||
                        (!key.mixture.empty() && !trains_on(model, key.mixture, grid.mixtures[p[mixture_axis]]));
    if (others && p.at(first_further_axis + i) > 0) return false;
  }
  return true;
}

std::vector<std::size_t> cells_asked_for(const specification& spec, const coordinates& grid) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < grid.cell_count(); ++i) {
    if (is_asked_for(spec, grid, i)) out.push_back(i);
  }
  return out;
}

std::string text_at(const dimension& axis, std::size_t index) {
  return std::visit([&](const auto& values) { return fmt::format("{}", values.at(index)); }, axis.values);
}

const std::string* value_along(const cell& c, const std::string& axis) {
  const auto found =
      std::find_if(c.varied.begin(), c.varied.end(), [&](const auto& entry) { return entry.first == axis; });
  return found == c.varied.end() ? nullptr : &found->second;
}

cell make_cell(const coordinates& grid, std::size_t number) {
  const cell_position p = position_of(grid, number);
  const double hardness = grid.hardness[p[hardness_axis]];  // NaN where it differs with a varied key
  std::vector<std::pair<std::string, std::string>> varied;
  for (std::size_t i = 0; i < grid.further.size(); ++i) {
    varied.emplace_back(grid.further[i].name, text_at(grid.further[i], p[first_further_axis + i]));
  }
  return {.position = p,
          .model = grid.models[p[model_axis]],
          .mixture = grid.mixtures[p[mixture_axis]],
          .hardness = std::isnan(hardness) ? 0 : hardness,
          .n = grid.n[p[n_axis]],
          .repeat = grid.repeats[p.back()],
          .variant = variant_at(grid, p),
          .varied = std::move(varied)};
}

std::string describe(const coordinates& grid, std::size_t number, std::size_t stage) {
  const std::string text = describe(make_cell(grid, number));
  return grid.stages.empty() ? text : fmt::format("{}, stage {}", text, stage);
}

std::optional<cell_position> find_cell(const coordinates& grid, const cell& c) {
  cell_position out(first_further_axis + grid.further.size() + 1);
  const auto find = [](const auto& values, const auto& value, std::size_t& index) {
    index = static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
    return index < values.size();
  };
  for (std::size_t i = 0; i < grid.further.size(); ++i) {
    const dimension& axis = grid.further[i];
    const std::string* own = value_along(c, axis.name);
    std::size_t& index = out[first_further_axis + i];
    while (own != nullptr && index < axis.length() && text_at(axis, index) != *own) ++index;
    if (index == axis.length()) return std::nullopt;
  }
  const bool found = find(grid.models, c.model, out[model_axis]) && find(grid.mixtures, c.mixture, out[mixture_axis]) &&
                     find(grid.hardness, c.hardness, out[hardness_axis]) && find(grid.n, c.n, out[n_axis]) &&
                     find(grid.repeats, c.repeat, out.back());
  return found ? std::optional(out) : std::nullopt;
}

}  // namespace cotscale
