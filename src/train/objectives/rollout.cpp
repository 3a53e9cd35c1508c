// Mean over i < k of ½‖o_i − (0, 0, w, 1)‖², tokens constants, with k drawn for each batch.
#include "chain_objective.hpp"
#include "cotscale/config/part_definition.hpp"

namespace cotscale {
namespace objectives {

class rollout final : public chain_objective {
 public:
  std::string_view word() const override { return "rollout"; }
  std::string_view help() const override { return "w at every step of its own chain, each step on its own"; }
  std::shared_ptr<training_objective> clone() const override { return std::make_shared<rollout>(*this); }
  int version() const override { return 1; }
  objective_form form() const override { return {.draws_length = true}; }
};

}  // namespace objectives

template const training_objective& config::part<training_objective, objectives::rollout>();

}  // namespace cotscale
