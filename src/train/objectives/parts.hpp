// The objectives, by name; the list of them stands in parts.cpp.
#pragma once

#include "cotscale/train/objective_part.hpp"

namespace cotscale::detail {

const objective_part& direct_part();
const objective_part& process_part();
const objective_part& outcome_part();
const objective_part& rollout_part();

}  // namespace cotscale::detail
