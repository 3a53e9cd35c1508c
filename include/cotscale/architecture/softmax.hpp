// One layer of softmax attention as a sequence model; it learns from samples only.
#pragma once

#include <memory>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/train/softmax.hpp"

namespace cotscale {

std::unique_ptr<const sequence_model> make_softmax(const softmax_options& options);

}  // namespace cotscale
