// Specifications as text: the canonical TOML of one.
#include "cotscale/config/toml_text.hpp"
#include "cotscale/config/writer.hpp"
#include "declarations.hpp"

namespace cotscale {

using namespace detail;

std::string to_toml(const specification& given) {
  if (!given.variants.empty()) return given.text_of_variants;
  specification spec = given;
  spec.sampler = resolved_sampler(spec);
  config::writer out;
  out.table("sweep");
  sweep_keys(out, spec, true, true);
  out.table("task");
  task_keys(out, spec);
  out.table("test");
  test_keys(out, spec);
  out.table("theory");
  theory_keys(out, spec);
  out.table("target");
  target_keys(out, spec.target, spec);
  if (spec.tasks.source != tasks_specification::kind::none) {
    out.table("tasks");
    tasks_keys(out, spec.tasks, spec);
    out.table("select");
    selection_keys(out, spec.selection, spec.d);
  }
  for (auto& [name, model] : spec.model_tables) {
    out.table("models." + config::quoted_key(name));
    model_keys(out, model);
    for (training_stage& stage : model.stages) {
      out.list_table(fmt::format("models.{}.stages", config::quoted_key(name)));
      stage_keys(out, stage);
    }
  }
  for (auto& [name, mixture] : spec.mixture_tables) {
    out.table("mixtures." + config::quoted_key(name));
    mixture_keys(out, mixture, spec);
  }
  return out.text();
}

// The hardness stands beside the target that it decides.
std::string selection_to_toml(const specification& given) {
  specification spec = given;
  config::writer out;
  out.table("sweep");
  name_keys(out, spec);
  out.table("task");
  task_keys(out, spec);
  out.table("target");
  target_keys(out, spec.target, spec);
  hardness_keys(out, spec, false);
  out.table("tasks");
  tasks_keys(out, spec.tasks, spec);
  out.table("select");
  selection_keys(out, spec.selection, spec.d);
  return out.text();
}

}  // namespace cotscale
