// Mean over i < k of ½‖o_i − (0, 0, w_{i+1}, 1)‖² on a chain w_1 … w_k that is given (arXiv 2502.21212, 2603.01293).
#include <array>

#include "chain_objective.hpp"
#include "cotscale/config/part_definition.hpp"

namespace cotscale {
namespace objectives {

constexpr std::array<config::word<process_targets>, 2> targets{
    {{process_targets::geometric, "geometric", "w_i = (1 − (1 − η)^i) w"},
     {process_targets::gradient_descent, "gd", "gradient descent on the prompt"}}};

class process final : public chain_objective {
 public:
  std::string_view word() const override { return "process"; }
  std::string_view help() const override { return "each step of a chain that is given, which ends at w"; }
  std::shared_ptr<training_objective> clone() const override { return std::make_shared<process>(*this); }
  int version() const override { return 1; }

  void keys(config::keys& k) override {
    chain_objective::keys(k);
    k.word({.name = "targets", .help = "what each step is to come to"}, chain_.targets, targets);
    k.value({.name = "eta", .help = "η of `targets`"}, chain_.eta, {.above = 0});
  }

  objective_form form() const override { return {.taught = chain_}; }

 private:
  taught_chain chain_;
};

}  // namespace objectives

template const training_objective& config::part<training_objective, objectives::process>();

}  // namespace cotscale
