#include "parts.hpp"

namespace cotscale::detail {

const objective_part& direct_part() {
  static const objective_part part{
      .kind = objective::direct, .word = "direct", .help = "w in one step", .has_chain = false};
  return part;
}

}  // namespace cotscale::detail
