// What the file of a part includes, to end with `template const spectrum& config::part<spectrum, power_law>();`.
#pragma once

#include "cotscale/config/part.hpp"

namespace cotscale::config {

template<class Base, class Part>
const Base& part() {
  static const Part the_part{};
  return the_part;
}

}  // namespace cotscale::config
