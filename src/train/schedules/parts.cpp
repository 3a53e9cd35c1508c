#include "cotscale/config/part.hpp"

#include <array>

#include "cotscale/config/named_part.hpp"
#include "cotscale/train/optimizer_part.hpp"

namespace cotscale {
namespace schedules {

// The list: a new schedule is a file here and a line below.
// clang-format off
constexpr std::array parts{
    &config::part<rate_schedule, class constant>,
    &config::part<rate_schedule, class cosine>,
    &config::part<rate_schedule, class linear>,
    &config::part<rate_schedule, class late_decay>,
};
// clang-format on

}  // namespace schedules

std::span<const rate_schedule* const> all_schedules() {
  static const auto all = config::parts_of(schedules::parts);
  return all;
}

std::shared_ptr<const rate_schedule> schedule_named(std::string_view word, const std::string& values) {
  return config::named_part(all_schedules(), word, values);
}

}  // namespace cotscale
