#include <array>

#include "cotscale/config/named_part.hpp"
#include "cotscale/config/part.hpp"
#include "cotscale/model/initialisation.hpp"

namespace cotscale {
namespace initialisations {

// The list: a new scheme is a file here and a line below.
// clang-format off
constexpr std::array parts{
    &config::part<initialisation_scheme, class fan_in>,
    &config::part<initialisation_scheme, class gpt2>,
};
// clang-format on

}  // namespace initialisations

std::span<const initialisation_scheme* const> all_initialisations() {
  static const auto all = config::parts_of(initialisations::parts);
  return all;
}

std::shared_ptr<const initialisation_scheme> initialisation_named(std::string_view word, const std::string& values) {
  return config::named_part(all_initialisations(), word, values);
}

}  // namespace cotscale
