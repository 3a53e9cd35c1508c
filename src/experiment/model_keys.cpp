// The keys of [models.NAME]: those that every model has, and those of its architecture.
#include "declarations.hpp"

namespace cotscale::detail {

void model_keys(config::keys& k, model_specification& m) {
  const auto architectures = all_architectures();
  const std::string example = fmt::format("\"{}\"", architectures.front()->word());
  const config::key choosing{.name = "architecture", .help = "what the model is", .example = example, .required = true};
  k.part_word(choosing, m.architecture, architectures);
  k.value({.name = "keep_weights", .help = "store V and W of every cell, or all parameters of a transformer"},
          m.keep_weights);
  k.part_keys(choosing.name, m.architecture, architectures, [&](sequence_model& own) { own.keys(k, {}, m.stored); });
}

}  // namespace cotscale::detail
