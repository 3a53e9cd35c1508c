// Predicted errors of chains, their best length and the share that diverges.
#include "cotscale/theory/prediction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stop_token>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/task/wishart.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"
#include "unit/theory/predicted_chains.hpp"

namespace cotscale {
namespace {

using support::epsilon;
using support::gaussian;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double infinity = std::numeric_limits<double>::infinity();

chain_prediction predict(const matrix& a, const covariance& sigma, int m, int steps, int draws) {
  return predict_chain(a, sigma, m, steps, {.draws = draws, .most_draws = draws, .rarest = 1e-4, .out_of_time = {}},
                       some_key, std::stop_token());
}

matrix step_of(const matrix& a, const matrix& s) {
  return reference::combination(1, matrix::identity(a.rows()), -1, reference::product(a, s));
}

TEST(predict_chain, is_the_mean_over_sample_covariances_of_norms_of_matrix_powers) {
  for (const int d : {1, 2, 5}) {
    for (const int draws : {2, 7, 8, 19}) {
      const covariance sigma = rotated(std::vector<double>(gaussian(d, "s").size(), 0.8), "draws");
      const matrix a = reference::combination(0.9, matrix::identity(d), 0.2, gaussian(d, d, "a"));
      constexpr int m = 4, steps = 6;
      const chain_prediction found = predict(a, sigma, m, steps, draws);
      ASSERT_EQ(found.error.size(), steps + 1U);
      ASSERT_EQ(found.standard_error.size(), steps + 1U);
      const std::vector<matrix> drawn = sample_covariances(sigma, m, draws, some_key);
      int diverging = 0;
      for (const matrix& s : drawn) diverging += spectral_radius(step_of(a, s)) > 1 + 1e-9 ? 1 : 0;
      EXPECT_EQ(found.diverging_share, diverging / static_cast<double>(draws));
      for (int k = 0; k <= steps; ++k) {
        double sum = 0, squares = 0;
        for (const matrix& s : drawn) {
          const double error = reference::squared_norm(reference::power(step_of(a, s), k));
          sum += error;
          squares += error * error;
        }
        const double mean = sum / draws;
        const double spread = std::sqrt(std::max(0.0, squares / draws - mean * mean) / (draws - 1));
        EXPECT_NEAR(found.error[static_cast<std::size_t>(k)] / mean, 1, 1e-12) << k;
        EXPECT_NEAR(found.standard_error[static_cast<std::size_t>(k)], spread, 1e-6 * mean) << k;
      }
    }
  }
}

TEST(predict_chain, begins_at_d_without_spread) {
  for (const int d : {1, 3, 17}) {
    const chain_prediction found = predict(gaussian(d, d, "a"), isotropic(d), 2, 0, 20);
    ASSERT_EQ(found.error.size(), 1U);
    EXPECT_NEAR(found.error[0], d, 4 * d * epsilon);
    EXPECT_NEAR(found.standard_error[0], 0, 4 * d * epsilon);
    EXPECT_EQ(found.best_k, 0);
  }
}

TEST(predict_chain, agrees_with_the_exact_value_after_one_step) {
  constexpr int d = 5;
  for (const covariance& sigma : {rotated({2, 1, 0.5, 1, 0.3}, "one step"), rotated({2, 1, 0, 1, 0}, "singular")}) {
    const matrix a = reference::combination(0.4, matrix::identity(d), 0.1, gaussian(d, d, "a"));
    for (const int m : {1, d - 1, d, d + 1, 10 * d}) {
      const chain_prediction found = predict(a, sigma, m, 1, 4000);
      EXPECT_LT(std::abs(found.error[1] - one_step_error(a, sigma, m)), 4 * found.standard_error[1]) << m;
      EXPECT_GT(std::abs(found.error[1] - one_step_error(a, sigma, m + std::max(1, m / 4))),
                4 * found.standard_error[1])
          << "the test can tell another m";
    }
  }
}

TEST(predict_chain, tends_to_the_limit_of_long_prompts) {
  const covariance sigma = rotated({2, 1, 0.5}, "limit");
  const matrix a = scaled_identity(3, 0.6);
  const chain_prediction found = predict(a, sigma, 10'000'000, 5, 8);
  const std::vector<double> limit = limit_errors(a, sigma, 5);
  for (std::size_t k = 0; k < limit.size(); ++k) EXPECT_NEAR(found.error[k] / limit[k], 1, 0.02) << k;
}

TEST(predict_chain, finds_the_best_k_and_the_share_that_diverges) {
  // Λ = Σ = I at m = 8, d = 4: γ = 1.25 overthinks, γ = 20 does not get there in 10 steps.
  const chain_prediction overthinking = predict(scaled_identity(4, 1 / 1.25), isotropic(4), 8, 10, 200);
  EXPECT_GT(overthinking.best_k, 0);
  EXPECT_LT(overthinking.best_k, 10);
  EXPECT_EQ(overthinking.best_k,
            std::min_element(overthinking.error.begin(), overthinking.error.end()) - overthinking.error.begin());
  EXPECT_GT(overthinking.diverging_share, 0.05);
  EXPECT_LT(overthinking.diverging_share, 0.95);
  const chain_prediction slow = predict(scaled_identity(4, 1.0 / 20), isotropic(4), 8, 10, 200);
  EXPECT_EQ(slow.best_k, 10);
  EXPECT_EQ(slow.diverging_share, 0);
  const chain_prediction wild = predict(scaled_identity(4, -1.0), isotropic(4), 8, 10, 20);
  EXPECT_EQ(wild.best_k, 0);
  EXPECT_EQ(wild.diverging_share, 1);
  EXPECT_EQ(predict(matrix(4, 4), isotropic(4), 8, 10, 20).best_k, 0) << "of equal ones, the first";
}

// Directions that the examples do not span have the eigenvalue 1: the error stays, it does not grow.
TEST(predict_chain, takes_what_is_never_seen_for_no_divergence) {
  for (const int d : {2, 5, 17}) {
    for (const int m : {1, d - 1}) {
      EXPECT_EQ(predict(scaled_identity(d, 0.01), isotropic(d), m, 3, 40).diverging_share, 0) << d << ", m " << m;
    }
    std::vector<double> eigenvalues(static_cast<std::size_t>(d), 1.0);
    eigenvalues[0] = 0;
    const covariance singular = rotated(eigenvalues, "singular");
    EXPECT_EQ(predict(trained_preconditioner(singular, 3), singular, 1000 * d, 3, 40).diverging_share, 0) << d;
  }
}

TEST(predict_chain, keeps_what_overflows_as_infinite) {
  const chain_prediction found = predict(scaled_identity(2, 1e80), isotropic(2), 3, 8, 9);
  EXPECT_TRUE(std::isfinite(found.error[1]));
  for (std::size_t k = 2; k <= 8; ++k) {
    EXPECT_EQ(found.error[k], infinity) << k;
    EXPECT_EQ(found.standard_error[k], infinity) << k;
  }
  EXPECT_EQ(found.best_k, 0);
  EXPECT_EQ(found.diverging_share, 1);
}

TEST(predict_chain, does_not_depend_on_threads) {
  const matrix a = scaled_identity(9, 0.7);
  const chain_prediction expected = predict(a, isotropic(9), 11, 6, 50);
  const support::thread_scope scope(3);
  const chain_prediction found = predict(a, isotropic(9), 11, 6, 50);
  EXPECT_EQ(found.error, expected.error);
  EXPECT_EQ(found.standard_error, expected.standard_error);
}

TEST(predict_chain, stops_when_asked_and_needs_a_draw) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(predict_chain(matrix(2, 2), isotropic(2), 3, 1, {}, some_key, stop.get_token()), stopped);
  EXPECT_THAT([] { predict(matrix(2, 2), isotropic(2), 3, 1, 0); },
              ThrowsMessage<precondition_error>(HasSubstr("draws = 0")));
}

// Eight draws side by side, and one after the other with BLAS, as for other preconditioners.
TEST(predict_chain, agrees_between_both_ways_to_compute_powers) {
  for (const int d : {1, 4, 9}) {
    for (const int m : {2, 12}) {
      matrix a = scaled_identity(d, 0.9);
      const chain_prediction fast = predict(a, isotropic(d), m, 7, 50);
      if (d == 1) continue;
      a(0, d - 1) = 1e-15;  // not symmetric any more
      const chain_prediction slow = predict(a, isotropic(d), m, 7, 50);
      EXPECT_EQ(fast.diverging_share, slow.diverging_share);
      EXPECT_EQ(fast.best_k, slow.best_k);
      for (std::size_t k = 0; k <= 7; ++k) EXPECT_NEAR(fast.error[k] / slow.error[k], 1, 1e-10) << d << ", " << k;
    }
  }
}

}  // namespace
}  // namespace cotscale
