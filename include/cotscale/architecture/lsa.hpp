// Linear self-attention as a sequence model: trained on its population loss, to the minimum of it, or from samples.
#pragma once

#include <cstdint>
#include <memory>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/train/population.hpp"
#include "cotscale/train/sampled.hpp"

namespace cotscale {

enum class training_method : std::uint8_t { population, closed_form, samples };
enum class roll_out_method : std::uint8_t { recursion, definition };

struct lsa_options {
  training_method training = training_method::population;
  roll_out_method roll_out = roll_out_method::recursion;
  descent_options descent;         ///< of population; its c is that of all three, in the specification's units
  const sampled_options& sampled;  ///< of samples
};

/// Keeps the options that are references.
std::unique_ptr<const sequence_model> make_lsa(const lsa_options& options);

}  // namespace cotscale
