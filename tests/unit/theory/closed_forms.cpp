// Γ and its inverse for one task, the limit of long prompts, and bounds.
#include "cotscale/theory/closed_forms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "cotscale/task/spectrum.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/power_laws.hpp"
#include "unit/theory/gamma_by_definition.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using support::power_law;
using support::rotated;

// ---- Γ and its inverse ----

TEST(gamma, is_that_of_theorem_3_1) {
  for (const int d : {1, 2, 17, 31}) {
    for (const int n : {1, 2, 40}) {
      const covariance lambda = rotated(power_law(d, d == 1 ? 1 : 5 * d), "gamma");
      const matrix expected = gamma_by_definition(lambda, n);
      EXPECT_TRUE(close(gamma(lambda, n), expected, 4 * d * epsilon * reference::frobenius_norm(expected)));
    }
  }
  EXPECT_EQ(gamma(covariance({1, 1, 1}), 4), matrix::diagonal(std::vector<double>(3, 1 + (3 + 1) / 4.0)));
}

TEST(trained_preconditioner, inverts_gamma) {
  for (const int d : {1, 2, 17, 31}) {
    for (const int n : {1, 7, 400}) {
      const covariance lambda = rotated(power_law(d, d == 1 ? 1 : 5 * d), "inverse");
      const matrix expected = reference::inverse(gamma_by_definition(lambda, n));
      const double condition =
          reference::frobenius_norm(expected) * reference::frobenius_norm(gamma_by_definition(lambda, n));
      EXPECT_TRUE(close(trained_preconditioner(lambda, n), expected,
                        8 * d * epsilon * condition * reference::frobenius_norm(expected)));
    }
  }
}

TEST(trained_preconditioner, is_zero_where_training_sees_nothing) {
  const covariance plain({2, 0, 1, 0});
  const double on_two = 1 / (1.2 * 2 + 3.0 / 5);
  const double on_one = 1 / (1.2 * 1 + 3.0 / 5);
  EXPECT_TRUE(close(trained_preconditioner(plain, 5), matrix::diagonal(std::vector<double>{on_two, 0, on_one, 0}),
                    8 * epsilon));
  // A Γ is the projector onto the support, in any basis.
  const covariance turned = rotated(plain, "support");
  const matrix projector = turned.apply([](double l) { return l > 0 ? 1.0 : 0.0; });
  EXPECT_TRUE(close(reference::product(trained_preconditioner(turned, 5), gamma(turned, 5)), projector, 64 * epsilon));
}

// ---- the limit of long prompts ----

TEST(limit_errors, of_commuting_covariances_are_sums_over_eigenvalues) {
  constexpr int n = 20;
  constexpr int steps = 30;
  const covariance lambda = power_law(17, 40);
  const covariance sigma(scaled_to_trace(power_law_spectrum(17, 0.4), 17));
  const std::vector<double> errors = limit_errors(trained_preconditioner(lambda, n), sigma, steps);
  ASSERT_EQ(errors.size(), steps + 1U);
  EXPECT_DOUBLE_EQ(errors[0], 17);
  for (int k = 0; k <= steps; ++k) {
    double expected = 0;
    for (std::size_t j = 0; j < 17; ++j) {
      const double gamma_j = (1 + 1.0 / n) * lambda.eigenvalues()[j] + lambda.trace() / n;
      expected += std::pow(1 - sigma.eigenvalues()[j] / gamma_j, 2 * k);
    }
    EXPECT_NEAR(errors[static_cast<std::size_t>(k)] / expected, 1, 1e-12) << "k = " << k;
  }
}

TEST(limit_errors, of_covariances_that_do_not_commute_are_norms_of_matrix_powers) {
  const covariance lambda = rotated(power_law(7, 30), "lambda");
  const covariance sigma = rotated(power_law(7, 15), "sigma");
  const matrix a = trained_preconditioner(lambda, 10);
  ASSERT_GT(asymmetry(reference::product(lambda.values(), sigma.values())), 0.1) << "they must not commute";
  const matrix step = reference::combination(1, matrix::identity(7), -1, reference::product(a, sigma.values()));
  const std::vector<double> errors = limit_errors(a, sigma, 12);
  for (int k = 0; k <= 12; ++k) {
    const double expected = reference::squared_norm(reference::power(step, k));
    EXPECT_NEAR(errors[static_cast<std::size_t>(k)] / expected, 1, 1e-12) << "k = " << k;
  }
}

TEST(limit_errors, without_steps_are_those_of_the_zero_estimate) {
  EXPECT_THAT(limit_errors(matrix::identity(3), covariance({1, 2, 3}), 0), testing::ElementsAre(testing::DoubleEq(3)));
}

TEST(limit_errors, that_diverge_are_infinite_for_good) {
  const covariance sigma = rotated(power_law(3, 9), "diverges");
  const matrix wild = reference::combination(-1e60, gaussian(3, 3, "wild"), 0, matrix(3, 3));
  const std::vector<double> errors = limit_errors(wild, sigma, 12);
  ASSERT_EQ(errors.size(), 13U);
  EXPECT_TRUE(std::isfinite(errors[2]));
  for (std::size_t k = 3; k < errors.size(); ++k) EXPECT_EQ(errors[k], std::numeric_limits<double>::infinity()) << k;
}

// ---- bounds ----

TEST(matched_bounds, hold_for_the_limit_with_equality_for_isotropic_tasks) {
  constexpr int steps = 20;
  for (const int d : {1, 2, 10, 31}) {
    for (const double relative : {1.0, 1.5, 10.0, 100.0}) {
      const double hard = d == 1 ? 1 : relative * d;
      for (const int n : {1, 5, 40}) {
        const covariance lambda = rotated(power_law(d, hard), "matched");
        const std::vector<double> limit = limit_errors(trained_preconditioner(lambda, n), lambda, steps);
        const std::vector<double> bound = matched_bounds(d, n, hard, steps);
        ASSERT_EQ(bound.size(), limit.size());
        for (std::size_t k = 0; k < limit.size(); ++k) {
          EXPECT_LE(limit[k], bound[k] * (1 + 1e-10))
              << "d " << d << ", hardness " << hard << ", n " << n << ", k " << k;
          EXPECT_TRUE(hard > d || std::abs(limit[k] / bound[k] - 1) < 1e-10) << "isotropic";
        }
      }
    }
  }
}

TEST(matched_bounds, are_those_of_corollary_3_5) {
  const std::vector<double> bounds = matched_bounds(10, 20, 39, 2);
  EXPECT_TRUE(close(bounds, std::vector<double>{10, 10 / std::pow(1.5, 2), 10 / std::pow(1.5, 4)}, 16 * 10 * epsilon));
  EXPECT_THAT(matched_bounds(4, 20, std::numeric_limits<double>::infinity(), 2), testing::Each(4))
      << "a singular task bounds nothing";
}

TEST(one_step_error, of_a_matched_model_keeps_the_bound_of_theorem_3_3) {
  for (const int d : {1, 2, 10, 31}) {
    for (const double relative : {1.0, 1.5, 10.0, 100.0}) {
      const double hard = d == 1 ? 1 : relative * d;
      const covariance lambda = rotated(power_law(d, hard), "theorem 3.3");
      for (const int n : {1, 5, 40, 1000}) {
        for (const int m : {1, 5, 40, 1000}) {
          const double error = one_step_error(trained_preconditioner(lambda, n), lambda, m);
          const double bound = d * std::pow((1 + hard) / n, 2) + d * (1 + hard) / m;
          EXPECT_LE(error, bound) << "d " << d << ", hardness " << hard << ", n " << n << ", m " << m;
        }
      }
    }
  }
}

}  // namespace
}  // namespace cotscale
