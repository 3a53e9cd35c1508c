// What the way back through a transformer multiplies with, where a test makes it anew for each parameter.
#pragma once

#include <span>
#include <vector>

#include "cotscale/model/gpt2_pass.hpp"

namespace cotscale::support {

inline std::vector<double> transposed_maps(const gpt2_layout& layout, std::span<const double> parameters) {
  std::vector<double> out(layout.size());
  transpose_maps<double>(layout, parameters, out);
  return out;
}

}  // namespace cotscale::support
