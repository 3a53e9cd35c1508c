#include "parts.hpp"

#include <array>

namespace cotscale {

std::span<const schedule_part* const> schedule_parts() {
  static const std::array all{&detail::constant_part(), &detail::cosine_part(), &detail::linear_part()};
  return all;
}

const schedule_part& part_of(rate_schedule schedule) { return *schedule_parts()[static_cast<std::size_t>(schedule)]; }

}  // namespace cotscale
