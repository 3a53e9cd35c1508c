// The spectrum `list`: eigenvalues one by one.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cotscale/base/error.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/task/spectra.hpp"

namespace cotscale {
namespace spectra {

class list final : public spectrum {
 public:
  std::string_view word() const override { return "list"; }
  std::string_view help() const override { return "`eigenvalues`"; }
  std::shared_ptr<spectrum> clone() const override { return std::make_shared<list>(*this); }
  int version() const override { return 1; }

  void keys(config::keys& k) override {
    k.list({.name = "eigenvalues",
            .help = "d numbers ≥ 0; zeros make the covariance singular: its hardness is then +inf",
            .example = "[1.0, 0.5]",
            .required = true},
           values_);
  }

  void settle(config::keys& k, const surroundings& where) override {
    k.after("eigenvalues", [&] { k.check([&] { require(k, where); }); });
  }

  std::vector<double> eigenvalues(int d) const override {
    expects(values_.size() == static_cast<std::size_t>(d), "spectra::list: {} values, but d = {}", values_.size(), d);
    return values_;
  }

  std::optional<double> isotropic_value(int d) const override {
    const auto differs = [&](double x) { return x != values_.front(); };
    if (values_.size() != static_cast<std::size_t>(d) || std::any_of(values_.begin(), values_.end(), differs))
      return {};
    return values_.front();
  }

  // By ratios, to twelve digits: the same spectrum in other units has the same random numbers.
  void identify(key_builder& key, bool scaled) const override {
    key.add(0.0).add("").add(scaled);  // no exponent and no file: keys from when those stood here for every spectrum
    const double largest = *std::max_element(values_.begin(), values_.end());
    for (const double value : values_) key.add(fmt::format("{:.11e}", value / largest));
  }

 private:
  void require(config::keys& k, const surroundings& where) const {
    const auto refused = [](double x) { return !(x >= 0) || !std::isfinite(x); };
    if (std::any_of(values_.begin(), values_.end(), refused)) {
      k.problem("eigenvalues",
                "makes the covariance not positive semi-definite: every eigenvalue must be finite and ≥ 0");
    } else if (where.d > 0 && values_.size() != static_cast<std::size_t>(where.d)) {
      k.problem("eigenvalues", fmt::format("has {} values, but task.d = {}", values_.size(), where.d));
    } else if (!values_.empty() && std::all_of(values_.begin(), values_.end(), [](double x) { return x == 0; })) {
      k.problem("eigenvalues", "makes the covariance zero: at least one eigenvalue must be positive");
    } else if (where.d > 0) {
      require_in_range(k, "eigenvalues", values_, where.scaled);
    }
  }

  std::vector<double> values_;
};

}  // namespace spectra

template const spectrum& config::part<spectrum, spectra::list>();

}  // namespace cotscale
