// GPT-2-style models as sequence models; they learn from samples only.
#pragma once

#include <memory>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/train/gpt2.hpp"

namespace cotscale {

/// Keeps a reference to the options.
std::unique_ptr<const sequence_model> make_gpt2(const gpt2_options& options);

}  // namespace cotscale
