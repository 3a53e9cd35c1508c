// Keys that several architectures have, each for one of them to visit among its own.
#pragma once

#include <cstdint>
#include <string_view>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/train/learning.hpp"

namespace cotscale::architectures {

enum class training_method : std::uint8_t { population, closed_form, samples };

/// `training`.
void training_word(config::keys& k, training_method& training);
/// The same where there is no population loss; `architecture` is its word.
void samples_word(config::keys& k, std::string_view architecture);

/// `initialisation`; the value `unwritten` (TOML) is not written.
void initialisation_word(config::keys& k, initial_weights& initial, std::string_view unwritten);
/// Where weights that are given come from.
void stored_keys(config::keys& k, initial_weights initial, stored_weights& stored);

}  // namespace cotscale::architectures
