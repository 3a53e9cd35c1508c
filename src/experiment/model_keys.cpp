// The keys of [models.NAME]: those that every model has, and those of its architecture.
#include "declarations.hpp"

namespace cotscale::detail {

void model_keys(config::keys& k, model_specification& m) {
  const auto architectures = all_architectures();
  const std::string example = fmt::format("\"{}\"", architectures.front()->word());
  const config::key choosing{.name = "architecture", .help = "what the model is", .example = example, .required = true};
  k.part_word(choosing, m.architecture, architectures);
  k.value({.name = "keep_weights",
           .help = "store V and W of every cell, or all parameters of a transformer",
           .numbers = false},
          m.keep_weights);
  k.part_keys(choosing.name, m.architecture, architectures, [&](sequence_model& own) {
    own.keys(k, {.of_training = m.stages.empty()}, m.stored);
    if (m.stages.empty()) return;
    // Trainings stand in the list.
    const std::shared_ptr<sequence_model> unused = own.clone();
    stored_weights none;
    k.when(false, "no stages", [&] { unused->keys(k, {.of_model = false}, none); });
  });
}

void stage_keys(config::keys& k, training_stage& stage) {
  k.value({.name = "mixture",
           .help = "that it is trained on: a built-in one, or that of `[mixtures.NAME]`, of the sweep or not",
           .otherwise = "that of the cell",
           .unwritten = "''",
           .numbers = false},
          stage.mixture);
  stored_weights none;
  k.part_keys("architecture", stage.architecture, all_architectures(),
              [&](sequence_model& own) { own.keys(k, {.of_model = false}, none); });
}

}  // namespace cotscale::detail
