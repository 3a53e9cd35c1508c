#include "cotscale/theory/closed_forms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/moments.hpp"
#include "cotscale/task/prompt.hpp"
#include "cotscale/task/spectrum.hpp"
#include "cotscale/task/wishart.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/monte_carlo.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Of trace d and the given hardness, diagonal.
covariance power_law(int d, double hardness) {
  return covariance(scaled_to_trace(power_law_spectrum(d, power_law_exponent(d, hardness)), d));
}

// The same eigenvalues in a random basis, which the name decides.
covariance rotated(const covariance& lambda, std::string_view name) {
  const int d = lambda.dimension();
  return {{lambda.eigenvalues().begin(), lambda.eigenvalues().end()}, random_rotation(d, key_builder(name).key())};
}

// (1 + 1/n) Λ + (tr Λ/n) I.
matrix gamma_by_definition(const covariance& lambda, int n) {
  return reference::combination(1 + 1.0 / n, lambda.values(), lambda.trace() / n, matrix::identity(lambda.dimension()));
}

// E‖I − AŜ‖_F² summed entry by entry, with E[Ŝ_aj Ŝ_bj] = Σ_aj Σ_bj + (Σ_ab Σ_jj + Σ_aj Σ_bj)/m (Isserlis 1918).
double one_step_error_by_isserlis(const matrix& a, const matrix& sigma, int m) {
  const int d = sigma.rows();
  double sum = 0;
  for (int i = 0; i < d; ++i) {
    for (int j = 0; j < d; ++j) {
      sum += i == j ? 1 : 0;
      for (int p = 0; p < d; ++p) {
        sum -= i == j ? 2 * a(i, p) * sigma(p, j) : 0;
        for (int q = 0; q < d; ++q) {
          const double moment = sigma(p, j) * sigma(q, j) + (sigma(p, q) * sigma(j, j) + sigma(p, j) * sigma(q, j)) / m;
          sum += a(i, p) * a(i, q) * moment;
        }
      }
    }
  }
  return sum;
}

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

// ---- mixtures ----

// Σ π_ℓ Λ_ℓ and Σ π_ℓ Λ_ℓ Γ_ℓ.
struct mixture_moments {
  mixture_moments(const task_mixture& tasks, int n)
      : mean(tasks.dimension(), tasks.dimension()), second(tasks.dimension(), tasks.dimension()) {
    for (std::size_t l = 0; l < tasks.size(); ++l) {
      const matrix& lambda = tasks.task(l).values();
      mean = reference::combination(1, mean, tasks.probability(l), lambda);
      const matrix product = reference::product(lambda, gamma_by_definition(tasks.task(l), n));
      second = reference::combination(1, second, tasks.probability(l), product);
    }
  }
  matrix mean, second;
};

// E‖I − AŜ‖_F² = d − 2 ⟨A, E[Ŝ]⟩ + tr(A E[Ŝ²] Aᵀ).
double population_error(const matrix& a, const mixture_moments& m) {
  return a.rows() - 2 * reference::inner(a, m.mean) + reference::inner(reference::product(a, m.second), a);
}

task_mixture random_mixture(int d, const std::vector<int>& ranks, std::string_view name) {
  std::vector<covariance> tasks;
  std::vector<double> probabilities;
  for (std::size_t l = 0; l < ranks.size(); ++l) {
    std::vector<double> eigenvalues(static_cast<std::size_t>(d));
    for (int j = 0; j < ranks[l]; ++j) eigenvalues[static_cast<std::size_t>(j)] = 2.0 / (j + 1);
    tasks.emplace_back(eigenvalues, random_rotation(d, key_builder(name).add(l).key()));
    probabilities.push_back(static_cast<double>(l) + 1);
  }
  return {tasks, probabilities};
}

TEST(trained_preconditioner, of_a_mixture_minimises_the_population_loss) {
  const blas_threads one(1);
  for (const int d : {1, 2, 7, 17}) {
    for (const int n : {1, 7, 400}) {
      const task_mixture tasks = random_mixture(d, {d, (d + 1) / 2, d}, "regular");
      const mixture_moments m(tasks, n);
      const matrix a = trained_preconditioner(tasks, n);
      // The gradient, A E[Ŝ²] − E[Ŝ], is zero …
      EXPECT_TRUE(close(reference::product(a, m.second), m.mean, 1e-12 * reference::frobenius_norm(m.mean)))
          << "d = " << d << ", n = " << n;
      // … and every other A is worse.
      const double least = population_error(a, m);
      for (const char* name : {"one", "two", "three"}) {
        const matrix other = reference::combination(1, a, 1e-2, gaussian(d, d, name));
        EXPECT_GT(population_error(other, m), least) << "d = " << d << ", n = " << n;
      }
    }
  }
}

TEST(trained_preconditioner, of_a_mixture_is_not_that_of_its_mean_and_not_symmetric) {
  const task_mixture tasks = random_mixture(5, {5, 2, 3}, "regular");
  const matrix a = trained_preconditioner(tasks, 10);
  EXPECT_GT(asymmetry(a), 1e-3);
  const matrix of_mean = trained_preconditioner(covariance::from_matrix(mixture_moments(tasks, 10).mean), 10);
  EXPECT_FALSE(close(a, of_mean, 1e-2));
}

TEST(trained_preconditioner, of_a_mixture_of_equal_tasks_is_that_of_the_task) {
  for (const std::vector<double>& eigenvalues : {std::vector<double>{3, 2, 1, 0.1}, {2, 0, 1, 0}}) {
    const covariance task = rotated(covariance(eigenvalues), "equal");
    const matrix single = trained_preconditioner(task, 6);
    EXPECT_TRUE(close(trained_preconditioner(task_mixture({task, task, task}, {0.2, 0.5, 0.3}), 6), single, 1e-13));
    EXPECT_EQ(trained_preconditioner(task_mixture({task, covariance({1, 1, 1, 1})}, {1, 0}), 6), single);
  }
}

TEST(trained_preconditioner, of_tasks_in_separate_directions_is_that_of_each_there_and_zero_elsewhere) {
  // Neither sees the other's direction, so their shares do not matter.
  const covariance first({2, 0, 0}), second({0, 5, 0});
  const matrix expected = matrix::diagonal(std::vector<double>{1 / (1.25 * 2 + 2.0 / 4), 1 / (1.25 * 5 + 5.0 / 4), 0});
  for (const double share : {0.5, 0.01}) {
    EXPECT_TRUE(
        close(trained_preconditioner(task_mixture({first, second}, {share, 1 - share}), 4), expected, 16 * epsilon));
  }
}

TEST(trained_preconditioner, of_a_singular_mixture_is_zero_where_training_sees_nothing) {
  const blas_threads one(1);
  for (const int d : {4, 17, 31}) {
    for (const int n : {1, 30, 10'000}) {
      const task_mixture tasks = random_mixture(d, {d / 4, d / 4, d / 4}, "singular");
      const mixture_moments m(tasks, n);
      const matrix a = trained_preconditioner(tasks, n);
      EXPECT_TRUE(close(reference::product(a, m.second), m.mean, 1e-9 * reference::frobenius_norm(m.mean))) << d;
      // All supports together have 3 ⌊d/4⌋ directions; the projector onto the others.
      const covariance mean = covariance::from_matrix(m.mean);
      const matrix unseen = mean.apply([](double l) { return l > 0 ? 0.0 : 1.0; });
      EXPECT_NEAR(trace(unseen), d - 3 * (d / 4), 1e-9);
      EXPECT_LT(reference::frobenius_norm(reference::product(a, unseen)), 1e-9 * reference::frobenius_norm(a));
      EXPECT_LT(reference::frobenius_norm(reference::product(unseen, a)), 1e-9 * reference::frobenius_norm(a));
    }
  }
}

// ---- one step ----

TEST(one_step_error, is_the_sum_over_gaussian_moments) {
  for (const int d : {1, 2, 3, 7}) {
    for (const int m : {1, 2, 31}) {
      const covariance sigma = rotated(power_law(d, d == 1 ? 1 : 3 * d), "one step");
      const matrix a = gaussian(d, d, "preconditioner");
      const double expected = one_step_error_by_isserlis(a, sigma.values(), m);
      EXPECT_NEAR(one_step_error(a, sigma, m) / expected, 1, 64 * d * d * epsilon) << "d = " << d << ", m = " << m;
    }
  }
}

TEST(one_step_error, is_what_sampled_prompts_show) {
  constexpr int d = 4;
  const covariance sigma = rotated(power_law(d, 12), "sampled");
  const matrix a = reference::combination(0.3, matrix::identity(d), 0.1, gaussian(d, d, "not symmetric"));
  for (const int m : {1, 3, 17}) {
    const prompt_source source(sigma, m, key_builder("one step").add(m).key());
    support::sample_means error(1);
    prompt p;
    for (std::uint64_t i = 0; i < 40'000; ++i) {
      source.draw(i, p);
      const matrix step = reference::product(a, reference::gram(1.0 / m, p.x));
      error.add(reference::squared_norm(reference::combination(1, matrix::identity(d), -1, step)));
    }
    EXPECT_TRUE(within(4, error, one_step_error(a, sigma, m))) << "m = " << m;
    EXPECT_FALSE(within(4, error, one_step_error(transposed(a), sigma, m))) << "the test can tell A from Aᵀ";
    EXPECT_FALSE(within(4, error, limit_errors(a, sigma, 1)[1])) << "the test can see the terms in 1/m";
  }
}

// The sampler draws no examples; where m < d its sample covariances are singular. Both the exact mean over w and the
// weights that it draws count.
TEST(one_step_error, is_what_wishart_prompts_show) {
  const blas_threads one(1);
  constexpr int d = 5;
  const matrix a = reference::combination(0.3, matrix::identity(d), 0.1, gaussian(d, d, "not symmetric"));
  for (const covariance& sigma :
       {rotated(power_law(d, 15), "wishart"), rotated(covariance({3, 1, 0, 1, 0}), "zero"), power_law(d, 15)}) {
    for (const int m : {1, d - 1, d, d + 1, 10 * d}) {
      const wishart_source source(task_mixture(sigma), m, key_builder("one step").add(m).key());
      support::sample_means error(2);
      prompt_lanes p;
      for (std::uint64_t block = 0; block < 2500; ++block) {
        source.draw(block, p);
        for (int lane = 0; lane < lane_count; ++lane) {
          const matrix step = reference::combination(1, matrix::identity(d), -1,
                                                     reference::product(a, gram_of_lane(1.0 / m, p.factor, lane)));
          const matrix w = p.w.block(0, lane, d, 1);
          error.add(
              std::vector<double>{reference::squared_norm(step), reference::squared_norm(reference::product(step, w))});
        }
      }
      const double exact = one_step_error(a, sigma, m);
      EXPECT_TRUE(within(4, error, std::vector<double>{exact, exact})) << "m = " << m;
      const double other = one_step_error(a, sigma, m + std::max(1, m / 4));
      EXPECT_FALSE(within(4, error, std::vector<double>{other, other})) << "the test can tell another m";
    }
  }
}

TEST(one_step_error, has_known_special_cases) {
  for (const int d : {1, 2, 17}) {
    const covariance isotropic(std::vector<double>(static_cast<std::size_t>(d), 1.0));
    EXPECT_DOUBLE_EQ(one_step_error(matrix(d, d), isotropic, 3), d) << "no step";
    EXPECT_NEAR(one_step_error(matrix::identity(d), isotropic, 3), d * (d + 1) / 3.0, 4 * d * d * epsilon)
        << "Newton's step, but for the finite prompt";
  }
  EXPECT_THAT([] { one_step_error(matrix(1, 1), covariance({1}), 0); },
              ThrowsMessage<precondition_error>(HasSubstr("got 0")));
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
