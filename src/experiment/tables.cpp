// Every table of a specification with its declaration, visited with default values.
#include <array>

#include "declarations.hpp"

namespace cotscale {
namespace {

using namespace detail;

template<void (*Visit)(config::keys&, specification&)>
void of_specification(config::keys& k) {
  specification spec;
  Visit(k, spec);
}

void sweep(config::keys& k, specification& spec) { sweep_keys(k, spec, true, true); }
void target(config::keys& k, specification& spec) { target_keys(k, spec.target, spec); }
void tasks(config::keys& k, specification& spec) { tasks_keys(k, spec.tasks, spec); }
void select(config::keys& k, specification& spec) { selection_keys(k, spec.selection, spec.d); }

void model(config::keys& k, specification&) {
  model_specification model;
  model_keys(k, model);
}

void stage(config::keys& k, specification&) {
  training_stage stage{.mixture = "", .architecture = all_architectures().front()->clone()};
  stage_keys(k, stage);
}

void mixture(config::keys& k, specification& spec) {
  mixture_specification mixture;
  mixture_keys(k, mixture, spec);
}

}  // namespace

std::span<const config::table_declaration> specification_tables() {
  static const std::array<config::table_declaration, 10> tables{
      {{"sweep", of_specification<sweep>},
       {"task", of_specification<task_keys>},
       {"test", of_specification<test_keys>},
       {"theory", of_specification<theory_keys>},
       {"target", of_specification<target>},
       {"mixtures.NAME", of_specification<mixture>},
       {"tasks", of_specification<tasks>},
       {"select", of_specification<select>},
       {"models.NAME", of_specification<model>},
       {"models.NAME.stages", of_specification<stage>, of_specification<model>}}};
  return tables;
}

}  // namespace cotscale
