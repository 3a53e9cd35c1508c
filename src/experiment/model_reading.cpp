#include "model_reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "checks.hpp"
#include "cotscale/experiment/initial_weights.hpp"
#include "declarations.hpp"

namespace cotscale::detail {
namespace {

using config::problem_list;
using config::reader;

void require_trainable(reader& keys, const sequence_model& model, const specification& spec) {
  if (spec.d < 1 || spec.n.empty()) return;
  model.require_trainable(keys, spec.d, *std::max_element(spec.n.begin(), spec.n.end()));
}

// A transformer has room for the longest chain of its stages in all of them, so that its weights can go on.
void make_room(model_specification& table) {
  int longest = 0;
  for (const training_stage& stage : table.stages) {
    longest = std::max(longest, stage.architecture->limits().most_steps.value_or(0));
  }
  for (training_stage& stage : table.stages) {
    const std::shared_ptr<sequence_model> roomy = stage.architecture->clone();
    roomy->make_room(longest);
    stage.architecture = roomy;
  }
  table.architecture = table.stages.front().architecture;
}

// The tables [[models.NAME.stages]]; returns whether nothing is wrong with them.
bool read_stages(const std::string& name, const std::vector<const toml::table*>& tables,
                 const std::vector<std::string>& mixtures, const specification& spec, problem_list& problems,
                 model_specification& model) {
  bool sound = true;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    reader keys(tables[i], fmt::format("models.{}.stages[{}]", name, i), problems);
    training_stage& stage = model.stages[i];
    stage.architecture = model.architecture;
    stage_keys(keys, stage);
    keys.finish();
    if (!stage.mixture.empty()) {
      if (const std::string why = no_mixture(stage.mixture, mixtures, spec); !why.empty()) {
        keys.problem("mixture", why);
      }
    }
    if (i > 0 && !stage.architecture->learns_from_samples()) {
      keys.problem("training", "must be \"samples\": what begins from the theorem's start can be the first stage only");
    }
    if (keys.sound()) require_trainable(keys, *stage.architecture, spec);
    sound = sound && keys.sound();
  }
  return sound;
}

}  // namespace

std::string no_mixture(const std::string& mixture, const std::vector<std::string>& known, const specification& spec) {
  if (std::find(known.begin(), known.end(), mixture) == known.end()) {
    return fmt::format("names \"{}\", but there is no such mixture{} (there are {})", mixture,
                       config::suggestion(mixture, known), config::shortened(config::listed(known), 500));
  }
  if (is_candidate_mixture(mixture) && spec.tasks.source == tasks_specification::kind::none) {
    return fmt::format("names \"{}\", a mixture of candidates, but there is no table [tasks]", mixture);
  }
  const std::string reason = mixture == "exact" ? no_exact_problem(spec) : "";
  return reason.empty() ? "" : fmt::format("names \"exact\", but {}", reason);
}

void read_model(const std::string& name, reader& keys, const std::vector<std::string>& mixtures, specification& spec,
                problem_list& problems, bool wanted) {
  model_specification table;
  const std::vector<const toml::table*> stages = keys.subtables("stages");
  table.stages.resize(stages.size());
  model_keys(keys, table);
  keys.finish();
  if (!keys.sound()) return;  // what depends on its keys would be said of their defaults
  if (stages.empty()) {
    require_trainable(keys, *table.architecture, spec);
  } else if (read_stages(name, stages, mixtures, spec, problems, table)) {
    make_room(table);
  } else {
    return;
  }
  if (!wanted) return;
  if (!table.stored.file.empty()) open_initial_weights(keys, spec, table);
  spec.model_tables[name] = std::move(table);
}

}  // namespace cotscale::detail
