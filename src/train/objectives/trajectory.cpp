// Mean over i < k of ½‖o_i − (0, 0, w, 1)‖², the gradient through all tokens: every step of the chain is supervised, as
// looped transformers are trained (arXiv 2311.12424, there on the last steps only).
#include "chain_objective.hpp"
#include "cotscale/config/part_definition.hpp"

namespace cotscale {
namespace objectives {

class trajectory final : public chain_objective {
 public:
  std::string_view word() const override { return "trajectory"; }
  std::string_view help() const override { return "w at every step of its own chain, the gradient through all steps"; }
  std::shared_ptr<training_objective> clone() const override { return std::make_shared<trajectory>(*this); }
  int version() const override { return 1; }
  objective_form form() const override { return {.through_tokens = true}; }
};

}  // namespace objectives

template const training_objective& config::part<training_objective, objectives::trajectory>();

}  // namespace cotscale
