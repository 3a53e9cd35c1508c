// Keys of V and W, which softmax attention has too.
#pragma once

#include "../shared_keys.hpp"
#include "cotscale/train/lsa.hpp"

namespace cotscale::architectures {

/// Of a training: which entries learn.
void entry_keys(config::keys& k, lsa_options& options);

/// Of the model: what they begin with; and c.
void beginning_keys(config::keys& k, lsa_options& options, stored_weights& stored);
void scale_key(config::keys& k, double& c);

}  // namespace cotscale::architectures
