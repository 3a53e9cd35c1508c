#include "cotscale/experiment/stages.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cotscale {

std::size_t stage_count(const model_specification& model) { return std::max<std::size_t>(1, model.stages.size()); }

std::size_t most_stages(const specification& spec) {
  std::size_t most = 1;
  for (const auto& [name, model] : spec.model_tables) most = std::max(most, stage_count(model));
  return most;
}

const sequence_model& training_of(const model_specification& model, std::size_t stage) {
  return model.stages.empty() ? *model.architecture : *model.stages.at(stage).architecture;
}

const sequence_model& training_of(const specification& spec, const cell& c) {
  return training_of(spec.model_tables.at(c.model), c.stage);
}

cell at_stage(const specification& spec, const cell& c, std::size_t stage) {
  cell out = c;
  out.stage = stage;
  const model_specification& model = spec.model_tables.at(c.model);
  if (model.stages.empty()) return out;
  if (const std::string& own = model.stages.at(stage).mixture; !own.empty()) out.mixture = own;
  if (model.stages.size() > 1) out.varied.emplace_back(stage_axis, std::to_string(stage));
  return out;
}

std::vector<std::string> mixtures_of(const specification& spec, const model_specification& model, std::size_t stage) {
  const bool own = !model.stages.empty() && !model.stages.at(stage).mixture.empty();
  return own ? std::vector{model.stages[stage].mixture} : spec.mixtures;
}

std::vector<std::string> all_mixtures(const specification& spec) {
  std::vector<std::string> out = spec.mixtures;
  for (const auto& [name, model] : spec.model_tables) {
    for (const training_stage& stage : model.stages) {
      if (!stage.mixture.empty() && std::find(out.begin(), out.end(), stage.mixture) == out.end()) {
        out.push_back(stage.mixture);
      }
    }
  }
  return out;
}

std::vector<std::string> mixtures_of_stages_alone(const specification& spec) {
  std::vector<std::string> out;
  const auto add_those_of = [&](const specification& variant) {
    for (const std::string& mixture : all_mixtures(variant)) {
      const bool known = std::find(spec.mixtures.begin(), spec.mixtures.end(), mixture) != spec.mixtures.end() ||
                         std::find(out.begin(), out.end(), mixture) != out.end();
      if (!known) out.push_back(mixture);
    }
  };
  add_those_of(spec);
  for (const auto& variant : spec.variants) add_those_of(*variant);
  return out;
}

}  // namespace cotscale
