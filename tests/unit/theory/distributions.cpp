// What theory says of prompts of every distribution, against prompts.
#include <gtest/gtest.h>

#include <cmath>

#include "cotscale/task/moments.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "cotscale/theory/null_distribution.hpp"
#include "cotscale/theory/prediction.hpp"
#include "reference/matrix.hpp"
#include "support/distributions.hpp"
#include "support/monte_carlo.hpp"

namespace cotscale {
namespace {

constexpr int d = 4;

// ‖w_k − w‖² of w_{k+1} = w_k + A X(y − Xᵀw_k)/m on explicit prompts, k = 0 … steps.
support::sample_means rolled_out(const matrix& a, const prompt_distribution& test, int m, int steps, int prompts) {
  support::sample_means out(steps + 1);
  const prompt_source source(test, m, {11, 12});
  prompt p;
  for (int i = 0; i < prompts; ++i) {
    source.draw(static_cast<std::uint64_t>(i), p);
    matrix w(d, 1), truth(d, 1), y(m, 1);
    std::copy(p.w.begin(), p.w.end(), truth.data());
    std::copy(p.y.begin(), p.y.end(), y.data());
    std::vector<double> errors;
    for (int k = 0;; ++k) {
      const matrix gap = reference::combination(1, w, -1, truth);
      errors.push_back(reference::inner(gap, gap));
      if (k == steps) break;
      const matrix rest = reference::combination(1, y, -1, reference::product(reference::transposed(p.x), w));
      w = reference::combination(1, w, 1.0 / m, reference::product(a, reference::product(p.x, rest)));
    }
    out.add(errors);
  }
  return out;
}

TEST(one_step_error, is_that_of_prompts_of_every_distribution) {
  for (const double noise : {0.0, 0.7}) {
    for (const auto& [name, test] : support::all_distributions(d, noise)) {
      const matrix a = trained_preconditioner(test, 6);
      for (const int m : {1, 9}) {
        const auto seen = rolled_out(a, test, m, 1, 30'000);
        EXPECT_TRUE(support::within(4, seen, std::vector<double>{d, one_step_error(a, test, m)}))
            << name << ", noise " << noise << ", m = " << m;
      }
    }
  }
}

TEST(gamma, is_the_inverse_of_the_optimum) {
  for (const double noise : {0.0, 0.7}) {
    for (const auto& [name, task] : support::all_distributions(d, noise)) {
      EXPECT_TRUE(support::close(reference::product(gamma(task, 6), trained_preconditioner(task, 6)),
                                 matrix::identity(d), 1e-11))
          << name;
    }
  }
}

// Symmetric and not: eight draws side by side, and one by one.
TEST(predict_chain, is_the_mean_over_weights_and_noise) {
  for (const double noise : {0.0, 0.7}) {
    for (const auto& [name, test] : support::all_distributions(d, noise)) {
      for (const bool symmetric : {true, false}) {
        matrix a = test.lambda.apply([&](double l) { return 0.6 / (l + test.lambda.trace() / 6); });
        if (!symmetric) a(0, 1) += 0.05;
        const auto predicted = predict_chain(
            a, test, 12, 4, {.draws = 4000, .most_draws = 4000, .rarest = 1e-4, .out_of_time = {}}, {1, 2}, {});
        const auto seen = rolled_out(a, test, 12, 4, 12'000);
        for (std::size_t k = 0; k <= 4; ++k) {
          const double error = std::hypot(seen.standard_error(k), predicted.standard_error[k]);
          EXPECT_LT(std::abs(seen.mean(k) - predicted.error[k]), 4.5 * error) << name << ", k = " << k;
        }
      }
    }
  }
}

TEST(simulate_null, is_that_of_prompts_of_every_distribution) {
  for (const double noise : {0.0, 0.7}) {
    for (const auto& [name, test] : support::all_distributions(d, noise)) {
      const matrix a = trained_preconditioner(test, 6);
      const auto null = simulate_null(a, null_prompts(test, 9, 8000, {5, 6}), 4, {});
      EXPECT_EQ(null.relative, noise == 0);
      EXPECT_NEAR(null.mean, one_step_error(a, test, 9) / d, 1e-12);
      EXPECT_TRUE(null.finite_variance && std::isfinite(null.deviation));
      if (noise == 0) continue;
      const auto seen = rolled_out(a, test, 9, 1, 20'000);
      EXPECT_NEAR(null.deviation * d / (seen.standard_error(1) * std::sqrt(20'000)), 1, 0.25) << name;
      EXPECT_LT(std::abs(exact_score(null, seen.mean(1) / d, 20'000, 0)), 4.5) << name;
    }
  }
}

TEST(simulate_null, has_no_deviation_where_there_is_none) {
  const prompt_distribution test(support::some_covariance(d), support::student_t(7));
  const auto null = simulate_null(trained_preconditioner(test, 6), null_prompts(test, 9, 800, {5, 6}), 4, {});
  EXPECT_FALSE(null.finite_variance);
  EXPECT_TRUE(std::isnan(exact_score(null, null.mean, 5000, 0)));
  EXPECT_FALSE(null.steps.empty()) << "bounded scores have a variance";
}

TEST(start_score, knows_sparse_weights) {
  EXPECT_EQ(start_score(1.1 * d, d, 100, d), start_score(1.1 * d, d, 100));
  EXPECT_NEAR(start_score(1.1 * d, d, 100, 1), start_score(1.1, 1, 100), 1e-12);
}

}  // namespace
}  // namespace cotscale
