// Ridge, ŵ = (Ŝ + pI)⁻¹ Xy/m, with the one penalty p for all prompts that has the least mean error. Without noise of
// labels that is the smallest of those that are tried (from 10⁻⁶ times Σ's least positive eigenvalue to 10 times
// tr(Σ)/d, or to 10 times σ²/m if that is more), or one of several that are as good.
#include <algorithm>
#include <cmath>

#include "common.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/model/bidiagonal_chain.hpp"

namespace cotscale::detail {
namespace {

constexpr double below = 1e-6;

// From far below the least positive eigenvalue of Σ to ten times the mean, in factors of ten, or more if they are many.
std::vector<double> ridge_penalties(const baseline_setting& setting) {
  constexpr int most = 14;
  const covariance& sigma = setting.test.lambda;
  double smallest = sigma.largest_eigenvalue();
  for (const double value : sigma.eigenvalues()) smallest = value > 0 ? std::min(smallest, value) : smallest;
  const double mean = std::max(sigma.trace() / sigma.dimension(), setting.test.noise / setting.m);
  const double decades = std::log10(10 * mean) - std::log10(below * smallest);
  const int count = std::min(most, 1 + static_cast<int>(std::ceil(decades - 1e-9)));
  return geometric(below * smallest, std::pow(10, std::max(1.0, decades / (count - 1))), count);
}

class run : public single_pass {
 public:
  explicit run(const baseline_setting& setting) : penalties_(ridge_penalties(setting)) {}
  void compute(const prompt_lanes& prompts, matrix& errors) const override {
    ridge_errors(prompts, penalties_, errors);
  }
  baseline_errors result() override {
    const int best = best_row(table_, wanted());
    return {.errors = one_row(table_, best),
            .parameter = penalties_[static_cast<std::size_t>(best)],
            .unit = 1,
            .edge = at_edge(best, penalties_.size()) ? edge_of_grid::at : edge_of_grid::inside};
  }

 private:
  int wanted() const override { return static_cast<int>(penalties_.size()); }
  std::vector<double> penalties_;
};

}  // namespace

// w − ŵ = (Ŝ + p I)⁻¹ (p w − Xε/m).
void ridge_errors(const prompt_lanes& prompts, const std::vector<double>& penalties, matrix& errors) {
  if (prompts.is_bidiagonal()) {
    for (std::size_t i = 0; i < penalties.size(); ++i) {
      bidiagonal_ridge(penalties[i], prompts.bidiagonal, &errors(static_cast<int>(i), 0));
    }
    return;
  }
  constexpr double resolved = 1e-9;  // beside Ŝ in double precision, to six digits and more
  trapezoid_lanes gram, factor;
  gram_lanes(1.0 / prompts.m, prompts.factor, gram);
  const double size = largest_square(prompts.factor) / prompts.m;
  for (std::size_t i = 0; i < penalties.size(); ++i) {
    const double p = penalties[i];
    const bool is_resolved = p >= resolved * size;
    matrix x = prompts.w;
    for (double& value : x.values()) value *= is_resolved ? p : p * prompts.m;
    const double examples = is_resolved ? 1 : prompts.m;
    for (std::size_t j = 0; j < prompts.noise.size(); ++j) x.data()[j] -= examples * prompts.noise.data()[j];
    if (is_resolved) {
      solve_shifted(gram, p, factor, x);
    } else {
      solve_shifted_factor(prompts.factor, p * prompts.m, factor, x);  // (Ŝ + p I)⁻¹ = m (L Lᵀ + pm I)⁻¹
    }
    squared_norms(x, &errors(static_cast<int>(i), 0));
  }
}

}  // namespace cotscale::detail

int cotscale::baseline_columns(int d, int m) { return ridge_columns(d, m, detail::below); }

namespace cotscale {
namespace baseline_parts {

struct ridge : baseline {
  ridge()
      : baseline{.name = "ridge",
                 .help = "ridge with the one penalty that has the least mean error",
                 .version = 1,
                 .needs_noise = false,
                 .start = [](const baseline_setting& s) -> std::unique_ptr<baseline_run> {
                   return std::make_unique<detail::run>(s);
                 }} {}
};

}  // namespace baseline_parts

template const baseline& config::part<baseline, baseline_parts::ridge>();

}  // namespace cotscale
