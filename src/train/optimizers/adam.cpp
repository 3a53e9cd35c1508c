// Kingma and Ba 2015, with bias correction.
#include <cmath>

#include "adam_step.hpp"
#include "blocks.hpp"
#include "cotscale/config/part_definition.hpp"

namespace cotscale {
namespace optimizers {

// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², p ← p − η (m/(1 − β₁ᵗ))/(√(v/(1 − β₂ᵗ)) + ε)
template<class T>
void adam_step(const optimizer_step<T>& s, const adam_constants& constants, double rate, double keep_share,
               std::size_t first, std::size_t count) {
  const auto updates = static_cast<double>(s.state.updates);
  const T b1 = static_cast<T>(constants.beta1), b2 = static_cast<T>(constants.beta2);
  const T rest1 = static_cast<T>(1 - constants.beta1), rest2 = static_cast<T>(1 - constants.beta2);
  const T step = static_cast<T>(rate / (1 - std::pow(constants.beta1, updates)));
  const T correction = static_cast<T>(1 / std::sqrt(1 - std::pow(constants.beta2, updates)));
  const T keep = static_cast<T>(keep_share);
  const T epsilon = static_cast<T>(constants.epsilon);
  const T* __restrict g = s.gradient.data() + first;
  T* __restrict p = s.parameters.data() + first;
  T* __restrict mean = s.state.mean.data() + first;
  T* __restrict square = s.state.square.data() + first;
  for (std::size_t i = 0; i < count; ++i) {
    mean[i] = b1 * mean[i] + rest1 * g[i];
    square[i] = b2 * square[i] + rest2 * g[i] * g[i];
    p[i] = keep * p[i] - step * mean[i] / (std::sqrt(square[i]) * correction + epsilon);
  }
}

template void adam_step(const optimizer_step<float>&, const adam_constants&, double, double, std::size_t, std::size_t);
template void adam_step(const optimizer_step<double>&, const adam_constants&, double, double, std::size_t, std::size_t);

void adam_constants::keys(config::keys& k) {
  k.value({.name = "beta1", .help = "memory of the mean of gradients"}, beta1, {.least = 0, .below = 1});
  k.value({.name = "beta2", .help = "memory of the mean of their squares"}, beta2, {.least = 0, .below = 1});
  k.value({.name = "epsilon", .help = "what is added to the root of that mean"}, epsilon, {.above = 0});
}

void weight_decay_key(config::keys& k, double& weight_decay) {
  k.value({.name = "weight_decay", .help = "of every parameter, times the rate"}, weight_decay, {.least = 0});
}

class adam final : public update_rule {
 public:
  std::string_view word() const override { return "adam"; }
  std::string_view help() const override { return "Adam of Kingma and Ba, with bias correction"; }
  std::shared_ptr<update_rule> clone() const override { return std::make_shared<adam>(*this); }
  int version() const override { return 1; }
  void keys(config::keys& k) override { constants_.keys(k); }
  int moments() const override { return 2; }
  void step(const optimizer_step<float>& s) const override { descend(s); }
  void step(const optimizer_step<double>& s) const override { descend(s); }

 private:
  template<class T>
  void descend(const optimizer_step<T>& s) const {
    for_blocks(s.parameters.size(), [&](std::size_t, std::size_t first, std::size_t count) {
      adam_step(s, constants_, s.rate, 1, first, count);
    });
  }

  adam_constants constants_;
};

}  // namespace optimizers

template const update_rule& config::part<update_rule, optimizers::adam>();

}  // namespace cotscale
