// The spectrum `power_law`; and the one of given hardness, which targets of the hardness axis have.
#include <fmt/format.h>

#include <cmath>

#include "cotscale/base/error.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/task/spectra.hpp"
#include "cotscale/task/spectrum.hpp"

namespace cotscale {
namespace {

double power_law_hardness(int d, double exponent) {
  double total = 0;
  for (int j = 1; j <= d; ++j) total += std::pow(static_cast<double>(d) / j, exponent);
  return total;
}

}  // namespace

std::vector<double> power_law_spectrum(int d, double exponent) {
  expects(d >= 1, "power_law_spectrum: d must be at least 1, got {}", d);
  std::vector<double> values(static_cast<std::size_t>(d));
  for (int j = 1; j <= d; ++j) values[static_cast<std::size_t>(j - 1)] = std::pow(j, -exponent);
  return values;
}

double power_law_exponent(int d, double hardness) {
  if (!(hardness >= d) || !std::isfinite(hardness)) {
    throw specification_error(fmt::format(
        "hardness {} is not possible for d = {}: tr(Λ)/λ_min(Λ) is at least d; use {} or more", hardness, d, d));
  }
  if (hardness == d) return 0;
  if (d == 1) throw specification_error(fmt::format("hardness {} is not possible for d = 1: it is always 1", hardness));
  // Increasing in the exponent, d at 0; (d/1)^a alone reaches the hardness at a = ln(hardness)/ln(d).
  double low = 0;
  double high = std::log(hardness) / std::log(d);
  for (;;) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return high;
    (power_law_hardness(d, middle) < hardness ? low : high) = middle;
  }
}

namespace spectra {

class power_law final : public spectrum {
 public:
  std::string_view word() const override { return "power_law"; }
  std::string_view help() const override { return "λ_j = j^(−`exponent`)"; }
  std::shared_ptr<spectrum> clone() const override { return std::make_shared<power_law>(*this); }
  int version() const override { return 1; }

  void keys(config::keys& k) override {
    k.value({.name = "exponent", .help = "λ_j = j^(−exponent)", .example = "1.0", .required = true}, exponent_);
  }

  void settle(config::keys& k, const surroundings& where) override {
    k.after("exponent", [&] { k.check([&] { require(k, where); }); });
  }

  std::vector<double> eigenvalues(int d) const override { return power_law_spectrum(d, exponent_); }

  std::optional<double> isotropic_value(int d) const override {
    return d == 1 || exponent_ == 0 ? std::optional(1.0) : std::nullopt;
  }

  // No file stands after the exponent: keys from when that stood there for every spectrum.
  void identify(key_builder& key, bool scaled) const override { key.add(exponent_).add("").add(scaled); }

 private:
  void require(config::keys& k, const surroundings& where) const {
    if (where.d < 1 || exponent_ == 0) return;
    std::vector<double> values = eigenvalues(where.d);
    if (!(values.back() > 0 && std::isfinite(values.back()))) {
      k.problem("exponent",
                fmt::format("is {}, and j^(−exponent) is beyond what a double holds at j = {}", exponent_, where.d));
      return;
    }
    require_in_range(k, "exponent", std::move(values), where.scaled);
  }

  double exponent_ = 0;
};

}  // namespace spectra

template const spectrum& config::part<spectrum, spectra::power_law>();

}  // namespace cotscale
