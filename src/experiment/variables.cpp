// Everything that a results file holds, from what its producers declare.
#include "variables.hpp"
#include "cotscale/store/record.hpp"

#include <algorithm>
#include <map>
#include <numeric>

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
  return out;
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
  // Axes, what the store itself keeps, and groups.
  static constexpr std::array others{"model",
                                     "mixture",
                                     "hardness",
                                     "n",
                                     "repeat",
                                     "m",
                                     "k",
                                     "stage",
                                     "training_step",
                                     "baseline",
                                     "task",
                                     "row",
                                     "column",
                                     "parameter",
                                     "status",
                                     "checksum",
                                     "record_checksum",
                                     "identity_high",
                                     "identity_low",
                                     "config_toml",
                                     "weights",
                                     "failures",
                                     "integrity",
                                     "provenance",
                                     "target_support_hardness"};
  const auto is_it = [&](const auto& v) { return v.name == name; };
  const std::vector<producer> all = producers();
  const std::span<const record_variable> record = record_variables();
  return std::find(others.begin(), others.end(), name) != others.end() ||
         std::any_of(record.begin(), record.end(), is_it) ||
         std::any_of(all.begin(), all.end(),
                     [&](const producer& p) { return std::any_of(p.variables.begin(), p.variables.end(), is_it); });
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
  const variable support{.name = "target_support_hardness",
                         .axes = {"hardness"},
                         .long_name = "tr(Sigma)/smallest non-zero eigenvalue of the target"};
  return {.schema = std::move(schema), .fixed = {{support, grid.target_support_hardness}}};
}

}  // namespace cotscale
