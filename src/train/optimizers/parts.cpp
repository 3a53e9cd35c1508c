#include "parts.hpp"

#include <array>

namespace cotscale {

std::span<const optimizer_part* const> optimizer_parts() {
  static const std::array all{&detail::gd_part(), &detail::sgd_part(), &detail::adam_part(), &detail::adamw_part(),
                              &detail::muon_part()};
  return all;
}

const optimizer_part& part_of(update_rule rule) { return *optimizer_parts()[static_cast<std::size_t>(rule)]; }

}  // namespace cotscale
