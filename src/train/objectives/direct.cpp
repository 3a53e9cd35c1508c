// ½‖o_0 − (0, 0, w, 1)‖²: the paper's population loss, of sampled prompts (arXiv 2510.03605, section 2).
#include "cotscale/config/part_definition.hpp"
#include "cotscale/train/objective.hpp"

namespace cotscale {
namespace objectives {

class direct final : public training_objective {
 public:
  std::string_view word() const override { return "direct"; }
  std::string_view help() const override { return "w in one step"; }
  std::shared_ptr<training_objective> clone() const override { return std::make_shared<direct>(*this); }
  int version() const override { return 1; }
  objective_form form() const override { return {.has_chain = false}; }
};

}  // namespace objectives

template const training_objective& config::part<training_objective, objectives::direct>();

}  // namespace cotscale
