// Adam after p ← (1 − η·weight_decay) p (Loshchilov and Hutter 2019).
#include "blocks.hpp"
#include "parts.hpp"

namespace cotscale::detail {
namespace {

template<class T>
void descend(const optimizer_step<T>& s) {
  const double keep = 1 - s.rate * s.options.weight_decay;
  for_blocks(s.parameters.size(),
             [&](std::size_t, std::size_t first, std::size_t count) { adam_step(s, s.rate, keep, first, count); });
}

class adamw : public optimizer_part {
 public:
  update_rule rule() const override { return update_rule::adamw; }
  std::string_view word() const override { return "adamw"; }
  std::string_view help() const override { return "Adam with decoupled weight decay"; }
  int moments() const override { return 2; }
  void step(const optimizer_step<float>& s) const override { descend(s); }
  void step(const optimizer_step<double>& s) const override { descend(s); }
};

}  // namespace

const optimizer_part& adamw_part() {
  static const adamw part;
  return part;
}

}  // namespace cotscale::detail
