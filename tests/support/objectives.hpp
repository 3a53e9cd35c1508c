// Objectives by their words.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cotscale/train/objective.hpp"

namespace cotscale::support {

inline std::vector<std::string> objective_words() {
  std::vector<std::string> out;
  for (const training_objective* o : all_objectives()) out.emplace_back(o->word());
  return out;
}

inline bool has_chain(const std::string& word) {
  for (const training_objective* o : all_objectives()) {
    if (o->word() == word) return o->form().has_chain;
  }
  return false;
}

/// With a chain of k steps, if it has one; `further` keys as lines of TOML.
inline std::shared_ptr<const training_objective> objective_of(const std::string& word, int k,
                                                              const std::string& further = "") {
  return objective_named(word, (has_chain(word) ? fmt::format("k_train = {}\n", k) : "") + further);
}

/// Whether its gradient is less than that of its loss: tokens depend on the model and count as constants.
inline bool stops_gradient(const training_objective& objective) {
  const objective_form form = objective.form();
  return form.has_chain && !form.taught && !form.through_tokens;
}

}  // namespace cotscale::support
