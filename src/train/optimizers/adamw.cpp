// Adam after p ← (1 − η·weight_decay) p (Loshchilov and Hutter 2019).
#include "adam_step.hpp"
#include "blocks.hpp"
#include "cotscale/config/part_definition.hpp"

namespace cotscale {
namespace optimizers {

class adamw final : public update_rule {
 public:
  std::string_view word() const override { return "adamw"; }
  std::string_view help() const override { return "Adam with decoupled weight decay"; }
  std::shared_ptr<update_rule> clone() const override { return std::make_shared<adamw>(*this); }
  int version() const override { return 1; }
  void keys(config::keys& k) override {
    constants_.keys(k);
    weight_decay_key(k, weight_decay_);
  }
  int moments() const override { return 2; }
  void step(const optimizer_step<float>& s) const override { descend(s); }
  void step(const optimizer_step<double>& s) const override { descend(s); }

 private:
  template<class T>
  void descend(const optimizer_step<T>& s) const {
    const double keep = 1 - s.rate * weight_decay_;
    for_blocks(s.parameters.size(), [&](std::size_t, std::size_t first, std::size_t count) {
      adam_step(s, constants_, s.rate, keep, first, count);
    });
  }

  adam_constants constants_;
  double weight_decay_ = 0.01;
};

}  // namespace optimizers

template const update_rule& config::part<update_rule, optimizers::adamw>();

}  // namespace cotscale
