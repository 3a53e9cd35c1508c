#include "parts.hpp"

namespace cotscale::detail {

const objective_part& rollout_part() {
  static const objective_part part{.kind = objective::rollout,
                                   .word = "rollout",
                                   .help = "w at every step of its own chain, each step on its own",
                                   .draws_length = true};
  return part;
}

}  // namespace cotscale::detail
