// Everything that a results file holds, from what its producers declare.
#include "variables.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "cotscale/experiment/coordinates.hpp"
#include "cotscale/store/record.hpp"

namespace cotscale {
namespace {

std::vector<std::int64_t> indices(std::size_t length) {
  std::vector<std::int64_t> out(length);
  std::iota(out.begin(), out.end(), 0);
  return out;
}

void add_weight_dimensions(const coordinates& grid, std::vector<dimension>& out) {
  const std::string group(weights_group);
  if (!grid.rows.empty()) {
    out.push_back({.name = "row", .values = grid.rows, .long_name = "row of V and W", .group = group});
    out.push_back({.name = "column", .values = grid.rows, .long_name = "column of V and W", .group = group});
  }
  if (grid.weights.empty()) return;
  std::vector<std::string> names;
  std::map<std::string, std::size_t> lengths;
  for (const weight_variable& weight : grid.weights) {
    names.push_back(weight.name);
    for (std::size_t i = 0; i < weight.shape.size(); ++i) lengths[weight.dimensions.at(i)] = weight.shape[i];
  }
  out.push_back({.name = "parameter", .values = names, .long_name = "parameter of a model", .group = group});
  for (const auto& [name, length] : lengths) {
    out.push_back({.name = name, .values = indices(length), .long_name = "index into a parameter", .group = group});
  }
}

void add_matrix_dimensions(const coordinates& grid, std::vector<dimension>& out) {
  const auto add = [&](const char* name, const auto& values, const char* long_name) {
    if (values.empty()) return;
    out.push_back({.name = name, .values = values, .long_name = long_name, .group = std::string(matrices_group)});
  };
  add("feature", grid.features, "feature, row of a covariance");
  add("other_feature", grid.features, "feature, column of a covariance");
  add("direction", grid.directions, "number of an eigenvalue, the largest first");
  add("output", grid.map_rows, "row of a map, component of what it gives");
  add("input", grid.map_rows, "column of a map, component of what it is applied to");
  add("stage_mixture", grid.stage_mixtures, "training mixture that stages alone have");
}

std::vector<dimension> dimensions_of(const coordinates& grid) {
  std::vector<dimension> out{
      {"model", grid.models, "model", true},
      {"mixture", grid.mixtures, "training mixture", true},
      {"hardness", grid.hardness, "tr(Sigma)/lambda_min(Sigma) of the target", true},
      {"n", grid.n, "examples in a training prompt", true},
  };
  out.insert(out.end(), grid.further.begin(), grid.further.end());
  out.push_back({"repeat", grid.repeats, "repeat", true});
  if (!grid.stages.empty())
    out.push_back({std::string(stage_axis), grid.stages, "trainings of a model, in their order"});
  out.push_back({"m", grid.m, "examples in a test prompt"});
  out.push_back({"k", grid.k, "steps of the chain of thought"});
  out.push_back({"training_step", grid.training_steps, "steps of training"});
  if (!grid.baselines.empty()) out.push_back({"baseline", grid.baselines, "baseline"});
  if (!grid.tasks.empty()) out.push_back({"task", grid.tasks, "candidate task"});
  add_weight_dimensions(grid, out);
  add_matrix_dimensions(grid, out);
  return out;
}

variable support_hardness() {
  return {.name = "target_support_hardness",
          .axes = {"hardness"},
          .long_name = "tr(Sigma)/smallest non-zero eigenvalue of the target"};
}

}  // namespace

std::vector<producer> producers() {
  return {{"Errors", detail::error_variables()},
          {"Scores of the errors, and comparisons with the exact map on the same prompts", detail::score_variables()},
          {"Limits for m → ∞", detail::limit_variables()},
          {"Training", detail::training_variables()},
          {"The best k, measured and predicted, and what was predicted before training", detail::best_k_variables()},
          {"The chain for m → ∞", detail::radius_variables()},
          {"Baselines on the same test prompts", detail::baseline_variables()},
          {"Steps of a chain beside pseudo-Newton's", detail::newton_variables()},
          {"The mixture", detail::mixture_variables()},
          {"The matrices V and W", detail::weight_variables()}};
}

bool is_name_in_results(std::string_view name) {
  static const std::set<std::string, std::less<>> names = [] {
    coordinates every;  // dimensions that a file may have
    every.baselines = every.tasks = every.stage_mixtures = {""};
    every.weights = {{}};
    every.stages = {0};
    every.rows = every.features = every.directions = every.map_rows = {0};
    std::set<std::string, std::less<>> out{support_hardness().name};
    for (const dimension& d : dimensions_of(every)) out.insert({d.name, d.group});
    for (const producer& p : producers()) {
      for (const variable& v : p.variables) out.insert(v.name);
    }
    out.merge(names_of_the_store());
    return out;
  }();
  return names.contains(name);
}

std::shared_ptr<const results_schema> make_schema(const coordinates& grid) {
  std::vector<variable> declared;
  for (const producer& p : producers()) declared.insert(declared.end(), p.variables.begin(), p.variables.end());
  for (const weight_variable& weight : grid.weights) {
    declared.push_back({.name = weight.name,
                        .type = value_type::f32,
                        .axes = weight.dimensions,
                        .long_name = "parameter after training",
                        .group = std::string(weights_group)});
  }
  return std::make_shared<const results_schema>(dimensions_of(grid), declared);
}

results_content make_content(const coordinates& grid, std::shared_ptr<const results_schema> schema) {
  return {.schema = std::move(schema), .fixed = {{support_hardness(), grid.target_support_hardness}}};
}

}  // namespace cotscale
