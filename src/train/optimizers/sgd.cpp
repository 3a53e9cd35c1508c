// b ← μ b + g, p ← p − η b
#include "blocks.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/train/optimizer_part.hpp"

namespace cotscale {
namespace optimizers {

class sgd final : public update_rule {
 public:
  std::string_view word() const override { return "sgd"; }
  std::string_view help() const override { return "steps along a momentum of gradients"; }
  std::shared_ptr<update_rule> clone() const override { return std::make_shared<sgd>(*this); }
  int version() const override { return 1; }
  void keys(config::keys& k) override {
    k.value({.name = "momentum", .help = "share of the last update that is kept"}, momentum_, {.least = 0, .below = 1});
  }
  int moments() const override { return 1; }
  void step(const optimizer_step<float>& s) const override { descend(s); }
  void step(const optimizer_step<double>& s) const override { descend(s); }

 private:
  template<class T>
  void descend(const optimizer_step<T>& s) const {
    const T step = static_cast<T>(s.rate), memory = static_cast<T>(momentum_);
    for_blocks(s.parameters.size(), [&](std::size_t, std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i) {
        T& mean = s.state.mean[i];
        mean = memory * mean + s.gradient[i];
        s.parameters[i] -= step * mean;
      }
    });
  }

  double momentum_ = 0.9;
};

}  // namespace optimizers

template const update_rule& config::part<update_rule, optimizers::sgd>();

}  // namespace cotscale
