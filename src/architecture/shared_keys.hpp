// Keys that several architectures have, each for one of them to visit among its own.
#pragma once

#include <cstdint>
#include <string_view>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/model/initialisation.hpp"
#include "cotscale/train/learning.hpp"

namespace cotscale::architectures {

enum class training_method : std::uint8_t { population, closed_form, samples };

/// `training`.
void training_word(config::keys& k, training_method& training);
/// The same where there is no population loss; `architecture` is its word.
void samples_word(config::keys& k, std::string_view architecture);

/// What a model begins with, of all architectures.
struct beginning {
  initial_weights weights = initial_weights::theorem;
  const initialisation_scheme* scheme = nullptr;  ///< of random weights of a transformer; null: they have one deviation
  friend bool operator==(const beginning&, const beginning&) = default;
};

/// `initialisation`. It has the words of all architectures: those that one has not are for it to refuse.
void initialisation_word(config::keys& k, beginning& begins);
/// Where weights that are given come from.
void stored_keys(config::keys& k, initial_weights initial, stored_weights& stored);

}  // namespace cotscale::architectures
