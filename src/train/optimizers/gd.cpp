// p ← p − η g
#include "blocks.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/train/optimizer_part.hpp"

namespace cotscale {
namespace optimizers {
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

}  // namespace

class gd final : public update_rule {
 public:
  std::string_view word() const override { return "gd"; }
  std::string_view help() const override { return "steps along the gradient"; }
  std::shared_ptr<update_rule> clone() const override { return std::make_shared<gd>(*this); }
  int version() const override { return 1; }
  int moments() const override { return 0; }
  void step(const optimizer_step<float>& s) const override { descend(s); }
  void step(const optimizer_step<double>& s) const override { descend(s); }
};

}  // namespace optimizers

template const update_rule& config::part<update_rule, optimizers::gd>();

}  // namespace cotscale
