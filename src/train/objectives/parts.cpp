#include "parts.hpp"

#include <array>

namespace cotscale {

std::span<const objective_part* const> objective_parts() {
  static const std::array all{&detail::direct_part(), &detail::process_part(), &detail::outcome_part(),
                              &detail::rollout_part()};
  return all;
}

const objective_part& part_of(objective kind) { return *objective_parts()[static_cast<std::size_t>(kind)]; }

int longest_chain(const objective_options& options) { return part_of(options.kind).has_chain ? options.k_train : 1; }

}  // namespace cotscale
