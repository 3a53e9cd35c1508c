#include "cotscale/config/part.hpp"

#include <array>

#include "cotscale/config/named_part.hpp"
#include "cotscale/train/objective.hpp"

namespace cotscale {
namespace objectives {

// The list: a new objective is a file here and a line below.
// clang-format off
constexpr std::array parts{
    &config::part<training_objective, class direct>,
    &config::part<training_objective, class process>,
    &config::part<training_objective, class outcome>,
    &config::part<training_objective, class rollout>,
    &config::part<training_objective, class trajectory>,
};
// clang-format on

}  // namespace objectives

std::span<const training_objective* const> all_objectives() {
  static const auto all = config::parts_of(objectives::parts);
  return all;
}

std::shared_ptr<const training_objective> objective_named(std::string_view word, const std::string& values) {
  return config::named_part(all_objectives(), word, values);
}

}  // namespace cotscale
