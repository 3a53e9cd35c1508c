#include "parts.hpp"

namespace cotscale::detail {

const objective_part& process_part() {
  static const objective_part part{.kind = objective::process,
                                   .word = "process",
                                   .help = "each step of a chain that is given, which ends at w",
                                   .teaches = true};
  return part;
}

}  // namespace cotscale::detail
