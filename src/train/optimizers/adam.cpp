// Kingma and Ba 2015, with bias correction.
#include <cmath>

#include "blocks.hpp"
#include "parts.hpp"

namespace cotscale::detail {

// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², p ← p − η (m/(1 − β₁ᵗ))/(√(v/(1 − β₂ᵗ)) + ε)
template<class T>
void adam_step(const optimizer_step<T>& s, double rate, double keep_share, std::size_t first, std::size_t count) {
  const optimizer_options& options = s.options;
  const auto updates = static_cast<double>(s.state.updates);
  const T b1 = static_cast<T>(options.beta1), b2 = static_cast<T>(options.beta2);
  const T rest1 = static_cast<T>(1 - options.beta1), rest2 = static_cast<T>(1 - options.beta2);
  const T step = static_cast<T>(rate / (1 - std::pow(options.beta1, updates)));
  const T correction = static_cast<T>(1 / std::sqrt(1 - std::pow(options.beta2, updates)));
  const T keep = static_cast<T>(keep_share);
  const T epsilon = static_cast<T>(options.epsilon);
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

template void adam_step(const optimizer_step<float>&, double, double, std::size_t, std::size_t);
template void adam_step(const optimizer_step<double>&, double, double, std::size_t, std::size_t);

namespace {

template<class T>
void descend(const optimizer_step<T>& s) {
  for_blocks(s.parameters.size(),
             [&](std::size_t, std::size_t first, std::size_t count) { adam_step(s, s.rate, 1, first, count); });
}

class adam : public optimizer_part {
 public:
  update_rule rule() const override { return update_rule::adam; }
  std::string_view word() const override { return "adam"; }
  std::string_view help() const override { return "Adam of Kingma and Ba, with bias correction"; }
  int moments() const override { return 2; }
  void step(const optimizer_step<float>& s) const override { descend(s); }
  void step(const optimizer_step<double>& s) const override { descend(s); }
};

}  // namespace

const optimizer_part& adam_part() {
  static const adam part;
  return part;
}

}  // namespace cotscale::detail
