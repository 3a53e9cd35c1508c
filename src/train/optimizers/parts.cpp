#include "cotscale/config/part.hpp"

#include <array>

#include "cotscale/config/named_part.hpp"
#include "cotscale/train/optimizer_part.hpp"

namespace cotscale {
namespace optimizers {

// The list: a new optimiser is a file here and a line below.
// clang-format off
constexpr std::array parts{
    &config::part<update_rule, class gd>,
    &config::part<update_rule, class sgd>,
    &config::part<update_rule, class adam>,
    &config::part<update_rule, class adamw>,
    &config::part<update_rule, class muon>,
};
// clang-format on

}  // namespace optimizers

std::span<const update_rule* const> all_update_rules() {
  static const auto all = config::parts_of(optimizers::parts);
  return all;
}

std::shared_ptr<const update_rule> update_rule_named(std::string_view word, const std::string& values) {
  return config::named_part(all_update_rules(), word, values);
}

}  // namespace cotscale
