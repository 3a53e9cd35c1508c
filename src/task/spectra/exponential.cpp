// The spectrum `exponential`.
#include <fmt/format.h>

#include <cmath>

#include "cotscale/base/error.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/task/spectra.hpp"

namespace cotscale {
namespace spectra {

/// λ_j = e^(−rate·j), j = 1 … d.
class exponential final : public spectrum {
 public:
  std::string_view word() const override { return "exponential"; }
  std::string_view help() const override { return "λ_j = e^(−`rate`·j)"; }
  std::shared_ptr<spectrum> clone() const override { return std::make_shared<exponential>(*this); }
  int version() const override { return 1; }

  void keys(config::keys& k) override {
    k.value({.name = "rate", .help = "λ_j = e^(−rate·j)", .example = "0.5", .required = true}, rate_);
  }

  void settle(config::keys& k, const surroundings& where) override {
    k.after("rate", [&] { k.check([&] { require(k, where); }); });
  }

  std::vector<double> eigenvalues(int d) const override {
    expects(d >= 1, "spectra::exponential: d must be at least 1, got {}", d);
    std::vector<double> values(static_cast<std::size_t>(d));
    for (int j = 1; j <= d; ++j) values[static_cast<std::size_t>(j - 1)] = std::exp(-rate_ * j);
    return values;
  }

  std::optional<double> isotropic_value(int d) const override {
    return rate_ == 0 ? std::optional(1.0) : spectrum::isotropic_value(d);
  }

  void identify(key_builder& key, bool scaled) const override { key.add(rate_).add(scaled); }

 private:
  void require(config::keys& k, const surroundings& where) const {
    if (where.d < 1 || rate_ == 0) return;
    std::vector<double> values = eigenvalues(where.d);
    if (!(values.back() > 0 && std::isfinite(values.back()))) {
      k.problem("rate", fmt::format("is {}, and e^(−rate·j) is beyond what a double holds at j = {}", rate_, where.d));
      return;
    }
    require_in_range(k, "rate", std::move(values), where.scaled);
  }

  double rate_ = 0;
};

}  // namespace spectra

template const spectrum& config::part<spectrum, spectra::exponential>();

}  // namespace cotscale
