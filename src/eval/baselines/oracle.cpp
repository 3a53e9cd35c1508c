// The steps of gradient descent with the preconditioner Σ⁺ in place of η.
#include "common.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/model/pseudo_newton.hpp"

namespace cotscale::detail {
namespace {

class run : public single_pass {
 public:
  explicit run(const baseline_setting& setting)
      : inverse_(setting.test.lambda.apply([](double l) { return l > 0 ? 1 / l : 0; })), steps_(setting.steps) {}
  void compute(const prompt_lanes& prompts, matrix& errors) const override { pseudo_newton(inverse_, prompts, errors); }
  baseline_errors result() override { return {.errors = std::move(table_)}; }

 private:
  int wanted() const override { return steps_ + 1; }
  matrix inverse_;
  int steps_;
};

}  // namespace
}  // namespace cotscale::detail

namespace cotscale {
namespace baseline_parts {

struct oracle : baseline {
  oracle()
      : baseline{.name = "oracle",
                 .help = "the steps of gradient descent, preconditioned by the inverse of the target",
                 .version = 1,
                 .needs_noise = false,
                 .start = [](const baseline_setting& s) -> std::unique_ptr<baseline_run> {
                   return std::make_unique<detail::run>(s);
                 }} {}
};

}  // namespace baseline_parts

template const baseline& config::part<baseline, baseline_parts::oracle>();

}  // namespace cotscale
