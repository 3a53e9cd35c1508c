// A covariance that is held as a scalar says what the same in full says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stop_token>
#include <vector>

#include "cotscale/theory/closed_forms.hpp"
#include "cotscale/theory/null_distribution.hpp"
#include "cotscale/theory/prediction.hpp"

namespace cotscale {
namespace {

constexpr stream_key some_key{3, 4};

covariance in_full(int d, double s) { return covariance(std::vector<double>(static_cast<std::size_t>(d), s)); }

TEST(isotropic_theory, closed_forms_count_every_direction) {
  for (const int d : {1, 2, 9}) {
    const covariance full = in_full(d, 1.5), scalar = covariance::isotropic(d, 1.5);
    const matrix a = trained_preconditioner(covariance(in_full(d, 0.75)), 12);
    const matrix one = trained_preconditioner(covariance::isotropic(d, 0.75), 12);
    ASSERT_EQ(one.rows(), 1);
    EXPECT_DOUBLE_EQ(one(0, 0), a(0, 0));
    EXPECT_NEAR(one_step_error(one, scalar, 5), one_step_error(a, full, 5), 1e-12 * d);
    EXPECT_NEAR(limit_spectral_radius(one, scalar), limit_spectral_radius(a, full), 1e-14);
    const std::vector<double> limits = limit_errors(one, scalar, 6), expected = limit_errors(a, full, 6);
    for (std::size_t k = 0; k < limits.size(); ++k) EXPECT_NEAR(limits[k], expected[k], 1e-12 * d);
  }
}

prediction_draws draws_of(int count) {
  return {.draws = count, .most_draws = count, .rarest = 1e-4, .out_of_time = {}};
}

TEST(isotropic_theory, predictions_of_few_dimensions_are_those_in_full) {
  matrix one(1, 1), a = matrix::identity(6);
  one(0, 0) = 1;
  const chain_prediction p =
      predict_chain(one, covariance::isotropic(6, 1), 20, 8, draws_of(200), some_key, std::stop_token());
  const chain_prediction full = predict_chain(a, in_full(6, 1), 20, 8, draws_of(200), some_key, std::stop_token());
  EXPECT_EQ(p.error, full.error);
  EXPECT_EQ(p.diverging_share, full.diverging_share);
}

// The largest eigenvalue is near 2/a, so that about half of the draws diverge; 95 of the 150 columns are drawn for it.
TEST(isotropic_theory, predictions_of_many_dimensions_agree_with_wishart_draws) {
  constexpr int d = 150, m = 300, steps = 8;
  const double edge = std::pow(1 + std::sqrt(static_cast<double>(d) / m), 2);
  for (const double factor : {1.4, 2.05}) {
    matrix one(1, 1);
    one(0, 0) = factor / edge;
    matrix a = matrix::diagonal(std::vector<double>(d, factor / edge));
    const chain_prediction p =
        predict_chain(one, covariance::isotropic(d, 1), m, steps, draws_of(4000), some_key, std::stop_token());
    const chain_prediction full = predict_chain(a, in_full(d, 1), m, steps, draws_of(200), some_key, std::stop_token());
    for (std::size_t k = 0; k <= steps; ++k) {
      EXPECT_LT(std::abs(p.error[k] - full.error[k]),
                4.5 * std::hypot(p.standard_error[k], full.standard_error[k]) + 1e-9)
          << factor << ", k = " << k;
    }
    EXPECT_EQ(p.best_k, full.best_k);
    EXPECT_NEAR(p.diverging_share, full.diverging_share, 4.5 * std::sqrt(0.25 / 200)) << factor;
    if (factor > 2) {
      EXPECT_GT(p.diverging_share, 0.1);
      EXPECT_LT(p.diverging_share, 0.9);
    }
  }
}

TEST(isotropic_theory, null_distributions_agree) {
  for (const int d : {20, 100}) {
    matrix one(1, 1);
    one(0, 0) = 0.6;
    const matrix a = matrix::diagonal(std::vector<double>(static_cast<std::size_t>(d), 0.6));
    constexpr int draws = 4000;
    const null_distribution p =
        simulate_null(one, null_prompts(covariance::isotropic(d, 1), 2 * d, draws, some_key), 8, std::stop_token());
    const null_distribution full = simulate_null(a, null_prompts(in_full(d, 1), 2 * d, draws, some_key), 8, {});
    EXPECT_NEAR(p.mean, full.mean, 1e-12);
    ASSERT_EQ(p.steps.size(), full.steps.size());
    EXPECT_EQ(p.deviation == full.deviation, d == 20) << "small ones are the same draws";
    EXPECT_NEAR(p.deviation / full.deviation, 1, 0.08);
    for (std::size_t i = 0; i < p.steps.size(); ++i) {
      const double spread = std::hypot(p.steps[i].deviation, full.steps[i].deviation) / std::sqrt(draws);
      EXPECT_NEAR(p.steps[i].centre / full.steps[i].centre, 1, 0.05);
      EXPECT_LT(std::abs(p.steps[i].mean - full.steps[i].mean), 5 * spread + 0.01);
      EXPECT_NEAR(p.steps[i].deviation / full.steps[i].deviation, 1, 0.08);
    }
  }
}

TEST(isotropic_theory, has_no_array_of_its_dimensions) {
  constexpr int d = 1'000'000'000;  // of which one array would be 8 GB
  const covariance scalar = covariance::isotropic(d, 2);
  EXPECT_EQ(scalar.dimension(), d);
  EXPECT_EQ(scalar.trace(), 2e9);
  EXPECT_EQ(scalar.hardness(), d);
  EXPECT_EQ(scalar.rank(), d);
  EXPECT_EQ(scalar.scaled(2).largest_eigenvalue(), 8);
  EXPECT_EQ(scalar.scaled(2).dimension(), d);
  const matrix a = trained_preconditioner(scalar, 1'000'000'000);
  EXPECT_DOUBLE_EQ(a(0, 0), 1 / (2 * (2 + 1e-9)));
  EXPECT_NEAR(limit_errors(a, scalar, 1).back() / d, std::pow(1 - 1 / (2 + 1e-9), 2), 1e-12);
}

}  // namespace
}  // namespace cotscale
