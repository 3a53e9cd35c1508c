#include "parts.hpp"

namespace cotscale::detail {

const objective_part& outcome_part() {
  static const objective_part part{.kind = objective::outcome,
                                   .word = "outcome",
                                   .help = "w at the end of its own chain, the gradient through all steps",
                                   .through_tokens = true,
                                   .last_estimate = true};
  return part;
}

}  // namespace cotscale::detail
