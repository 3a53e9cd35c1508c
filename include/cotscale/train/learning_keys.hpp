// The keys of what learns from sampled prompts, whatever it is.
#pragma once

#include "cotscale/config/keys.hpp"
#include "cotscale/train/learning.hpp"

namespace cotscale {

/// Those of the objective and the optimiser, steps and batches; the objective's word comes before (train/keys.hpp).
void learning_keys(config::keys& k, learning_options& o);

}  // namespace cotscale
