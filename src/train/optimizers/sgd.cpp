// b ← μ b + g, p ← p − η b
#include "blocks.hpp"
#include "parts.hpp"

namespace cotscale::detail {
namespace {

template<class T>
void descend(const optimizer_step<T>& s) {
  const T step = static_cast<T>(s.rate), memory = static_cast<T>(s.options.momentum);
  for_blocks(s.parameters.size(), [&](std::size_t, std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) {
      T& mean = s.state.mean[i];
      mean = memory * mean + s.gradient[i];
      s.parameters[i] -= step * mean;
    }
  });
}

class sgd : public optimizer_part {
 public:
  update_rule rule() const override { return update_rule::sgd; }
  std::string_view word() const override { return "sgd"; }
  std::string_view help() const override { return "steps along a momentum of gradients"; }
  int moments() const override { return 1; }
  void step(const optimizer_step<float>& s) const override { descend(s); }
  void step(const optimizer_step<double>& s) const override { descend(s); }
};

}  // namespace

const optimizer_part& sgd_part() {
  static const sgd part;
  return part;
}

}  // namespace cotscale::detail
