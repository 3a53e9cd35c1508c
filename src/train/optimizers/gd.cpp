// p ← p − η g
#include "blocks.hpp"
#include "parts.hpp"

namespace cotscale::detail {
namespace {

template<class T>
void descend(const optimizer_step<T>& s) {
  const T step = static_cast<T>(s.rate);
  for_blocks(s.parameters.size(), [&](std::size_t, std::size_t first, std::size_t count) {
    const std::span<const T> gradient = s.gradient.subspan(first, count);
    const std::span<T> parameters = s.parameters.subspan(first, count);
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] -= step * gradient[i];
  });
}

class gd : public optimizer_part {
 public:
  update_rule rule() const override { return update_rule::gd; }
  std::string_view word() const override { return "gd"; }
  std::string_view help() const override { return "steps along the gradient"; }
  int moments() const override { return 0; }
  void step(const optimizer_step<float>& s) const override { descend(s); }
  void step(const optimizer_step<double>& s) const override { descend(s); }
};

}  // namespace

const optimizer_part& gd_part() {
  static const gd part;
  return part;
}

}  // namespace cotscale::detail
