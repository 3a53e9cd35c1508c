#include "cotscale/config/part.hpp"

#include <array>

#include "cotscale/config/named_part.hpp"
#include "cotscale/task/weights.hpp"

namespace cotscale {
namespace weights {

// The list: a new prior is a file here and a line below.
// clang-format off
constexpr std::array parts{
    &config::part<weight_prior, class gaussian>,
    &config::part<weight_prior, class sparse>,
};
// clang-format on

}  // namespace weights

std::span<const weight_prior* const> all_weights() {
  static const auto all = config::parts_of(weights::parts);
  return all;
}

std::shared_ptr<const weight_prior> weights_named(std::string_view word, const std::string& values) {
  return config::named_part(all_weights(), word, values);
}

std::shared_ptr<const weight_prior> normal_weights() {
  static const auto shared = weights_named("gaussian");
  return shared;
}

}  // namespace cotscale
