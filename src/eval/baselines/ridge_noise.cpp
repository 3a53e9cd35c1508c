// Ridge with the penalty σ²/m on Ŝ, ŵ = (Ŝ + (σ²/m) I)⁻¹ Xy/m: the posterior mean, and so the best estimate there is,
// of Gaussian weights; of others the best that is linear in y. Without noise it is least squares, and computed as such.
#include "common.hpp"
#include "cotscale/config/part_definition.hpp"

namespace cotscale::detail {
namespace {

class run : public single_pass {
 public:
  explicit run(const baseline_setting& setting) : setting_(setting), penalty_(setting.test.noise / setting.m) {}
  void compute(const prompt_lanes& prompts, matrix& errors) const override {
    if (penalty_ > 0) {
      ridge_errors(prompts, {penalty_}, errors);
    } else {
      least_squares_errors(prompts, setting_, errors.data());
    }
  }
  baseline_errors result() override { return {.errors = std::move(table_), .parameter = penalty_, .unit = 1}; }

 private:
  int wanted() const override { return 1; }
  baseline_setting setting_;
  double penalty_;
};

}  // namespace
}  // namespace cotscale::detail

namespace cotscale {
namespace baseline_parts {

struct ridge_noise : baseline {
  ridge_noise()
      : baseline{.name = "ridge_noise",
                 .help =
                     "ridge with penalty σ²/m: the Bayes estimate for Gaussian weights; least squares where labels "
                     "have no noise",
                 .version = 1,
                 .needs_noise = true,
                 .start = [](const baseline_setting& s) -> std::unique_ptr<baseline_run> {
                   return std::make_unique<detail::run>(s);
                 }} {}
};

}  // namespace baseline_parts

template const baseline& config::part<baseline, baseline_parts::ridge_noise>();

}  // namespace cotscale
