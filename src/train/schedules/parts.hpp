// The schedules, by name; the list of them stands in parts.cpp.
#pragma once

#include "cotscale/train/optimizer_part.hpp"

namespace cotscale::detail {

const schedule_part& constant_part();
const schedule_part& cosine_part();
const schedule_part& linear_part();

}  // namespace cotscale::detail
