#include "cotscale/task/spectra.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/config/part.hpp"
#include "cotscale/task/covariance.hpp"
#include "cotscale/task/spectrum.hpp"

namespace cotscale {
namespace spectra {

// The list: a new spectrum is a file in task/spectra and a line here.
// clang-format off
constexpr std::array parts{
    &config::part<spectrum, class power_law>,
    &config::part<spectrum, class list>,
    &config::part<spectrum, class file>,
    &config::part<spectrum, class exponential>,
};
// clang-format on

}  // namespace spectra

std::span<const spectrum* const> all_spectra() {
  static const auto all = config::parts_of(spectra::parts);
  return all;
}

void spectrum_keys(config::keys& k, config::key choosing, std::shared_ptr<const spectrum>& chosen) {
  const auto all = all_spectra();
  const std::string example = fmt::format("\"{}\"", all.front()->word());
  choosing.example = example;
  const auto implied = std::find_if(all.begin(), all.end(), [&](const spectrum* s) {
    return !s->implied_by().empty() && k.given(s->implied_by()) && !k.given(choosing.name);
  });
  if (implied != all.end()) {
    chosen = (*implied)->clone();
    choosing.required = false;
  }
  k.part(choosing, chosen, all);
}

void settle(config::keys& k, std::shared_ptr<const spectrum>& chosen, const spectrum::surroundings& where) {
  if (!chosen) return;
  k.check([&] {
    const std::shared_ptr<spectrum> settled = chosen->clone();
    settled->settle(k, where);
    chosen = settled;
  });
}

std::optional<double> spectrum::isotropic_value(int d) const {
  return d == 1 ? std::optional(eigenvalues(d).front()) : std::nullopt;
}

void require_in_range(config::keys& k, std::string_view key, std::vector<double> eigenvalues, bool scaled) {
  const double trace = static_cast<double>(eigenvalues.size());
  try {
    require_spectrum(scaled ? scaled_to_trace(std::move(eigenvalues), trace) : eigenvalues);
  } catch (const specification_error& e) {
    k.problem(key, fmt::format("does not do: {}", e.what()));
  }
}

}  // namespace cotscale
