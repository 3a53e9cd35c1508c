// Transformers of every choice of positions.
#pragma once

#include <vector>

#include "cotscale/model/gpt2.hpp"

namespace cotscale::support {

inline std::vector<gpt2_configuration> with_all_positions(gpt2_configuration configuration) {
  std::vector<gpt2_configuration> out;
  for (const auto positions : {example_positions::learned, example_positions::sinusoidal, example_positions::none}) {
    for (const auto weights : {weight_positions::own, weight_positions::shared}) {
      configuration.positions = positions;
      configuration.weights = weights;
      out.push_back(configuration);
    }
  }
  return out;
}

}  // namespace cotscale::support
