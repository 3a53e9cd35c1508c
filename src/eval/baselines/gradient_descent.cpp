// Gradient descent, w ← w + η (Xy/m − Ŝw), with the one step size η that has the least mean error at k = steps, to
// within 12 %.
#include <algorithm>
#include <cmath>

#include "common.hpp"
#include "cotscale/config/part_definition.hpp"
#include "cotscale/model/bidiagonal_chain.hpp"
#include "cotscale/model/pseudo_newton.hpp"

namespace cotscale::detail {
namespace {

// The error at k = steps for each step size, of u = w* − w.
void descend(const prompt_lanes& prompts, const std::vector<double>& step_sizes, int steps, matrix& errors) {
  matrix u, gram_u, scratch, chain;
  for (std::size_t i = 0; i < step_sizes.size(); ++i) {
    if (prompts.is_bidiagonal()) {
      chain.reshape(steps + 1, lane_count);
      bidiagonal_chain(step_sizes[i], prompts.bidiagonal, chain);
      std::copy_n(&chain(steps, 0), lane_count, &errors(static_cast<int>(i), 0));
      continue;
    }
    u = prompts.w;
    for (int k = 0; k < steps; ++k) {
      multiply_covariance(prompts, u, scratch, gram_u);
      for (std::size_t j = 0; j < prompts.noise.size(); ++j) gram_u.data()[j] += prompts.noise.data()[j];
      for (std::size_t j = 0; j < u.size(); ++j) u.data()[j] -= step_sizes[i] * gram_u.data()[j];
    }
    squared_norms(u, &errors(static_cast<int>(i), 0));
  }
}

// Three passes: coarse step sizes, fine ones around the best, the chain of the best.
class run : public baseline_run {
 public:
  explicit run(const baseline_setting& setting) : d_(setting.test.lambda.values().rows()), steps_(setting.steps) {
    // Ŝ's largest eigenvalue is about λ_max (1 + √(tr(Σ)/(m λ_max)))²; beyond 2 over it gradient descent diverges.
    const covariance& sigma = setting.test.lambda;
    const double largest = sigma.largest_eigenvalue();
    const double edge = largest * std::pow(1 + std::sqrt(sigma.trace() / (setting.m * largest)), 2);
    sizes_ = geometric(2 / edge, 0.5, 9);
  }

  int rows() const override {
    if (passes_ == 3) return 0;
    return passes_ == 2 ? steps_ + 1 : static_cast<int>(sizes_.size());
  }
  void compute(const prompt_lanes& prompts, matrix& errors) const override {
    if (passes_ == 2) {
      pseudo_newton(best_, prompts, errors);
    } else {
      descend(prompts, sizes_, steps_, errors);
    }
  }
  void take(error_table table) override {
    if (++passes_ == 3) {
      chain_ = std::move(table);
      return;
    }
    const int best = best_row(table, static_cast<int>(sizes_.size()));
    const bool edge = at_edge(best, sizes_.size());
    size_ = sizes_[static_cast<std::size_t>(best)];
    if (passes_ == 1) {
      coarse_row_ = best;
      edge_ = edge;
      sizes_ = geometric(size_ * std::pow(2, 5.0 / 6), std::pow(2, -1.0 / 6), 11);
    } else {
      edge_ = edge_ && edge && (coarse_row_ == 0) == (best == 0);
      best_ = matrix::diagonal(std::vector<double>(static_cast<std::size_t>(d_), size_));
    }
  }
  baseline_errors result() override {
    // Without steps every size is as good as the others.
    return {.errors = std::move(chain_),
            .parameter = size_,
            .unit = -1,
            .edge = steps_ > 0 && edge_ ? edge_of_grid::at : edge_of_grid::inside};
  }

 private:
  int d_, steps_;  // d_: rows of maps
  int passes_ = 0;
  int coarse_row_ = 0;
  bool edge_ = false;
  double size_ = 0;
  std::vector<double> sizes_;
  matrix best_;  // η I
  error_table chain_;
};

}  // namespace
}  // namespace cotscale::detail

namespace cotscale {
namespace baseline_parts {

struct gradient_descent : baseline {
  gradient_descent()
      : baseline{.name = "gradient_descent",
                 .help = "gradient descent with the one step size that has the least mean error at the last step",
                 .version = 1,
                 .needs_noise = false,
                 .start = [](const baseline_setting& s) -> std::unique_ptr<baseline_run> {
                   return std::make_unique<detail::run>(s);
                 }} {}
};

}  // namespace baseline_parts

template const baseline& config::part<baseline, baseline_parts::gradient_descent>();

}  // namespace cotscale
