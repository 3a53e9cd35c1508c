// ½‖ŵ − w‖² with ŵ the weight rows of o_{k − 1}, the gradient through all tokens (arXiv 2603.01293).
#include "chain_objective.hpp"
#include "cotscale/config/part_definition.hpp"

namespace cotscale {
namespace objectives {

class outcome final : public chain_objective {
 public:
  std::string_view word() const override { return "outcome"; }
  std::string_view help() const override { return "w at the end of its own chain, the gradient through all steps"; }
  std::shared_ptr<training_objective> clone() const override { return std::make_shared<outcome>(*this); }
  int version() const override { return 1; }
  objective_form form() const override { return {.through_tokens = true, .last_estimate = true}; }
};

}  // namespace objectives

template const training_objective& config::part<training_objective, objectives::outcome>();

}  // namespace cotscale
