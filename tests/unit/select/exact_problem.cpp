// The objective of the exact selection against its definition, against theory and at its limits.
#include "cotscale/select/exact.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "reference/matrix.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"
#include "support/monte_carlo.hpp"
#include "unit/select/exact_problems.hpp"
#include "unit/select/small_problems.hpp"

namespace cotscale {
namespace {

using support::gaussian;
using testing::HasSubstr;
using testing::ThrowsMessage;

// M S⁻¹ by definition, for a nonsingular S.
matrix preconditioner_of(const std::vector<covariance>& candidates, const std::vector<double>& pi, int n) {
  const int d = candidates.front().dimension();
  matrix mean(d, d);
  matrix second(d, d);
  for (std::size_t l = 0; l < pi.size(); ++l) {
    const matrix& lambda = candidates[l].values();
    mean = reference::combination(1, mean, pi[l], lambda);
    const matrix gamma = reference::combination(1 + 1.0 / n, lambda, candidates[l].trace() / n, matrix::identity(d));
    second = reference::combination(1, second, pi[l], reference::product(lambda, gamma));
  }
  return reference::product(mean, reference::inverse(second));
}

double objective_of(const matrix& a, const std::vector<matrix>& draws, int k) {
  double sum = 0;
  for (const matrix& s : draws) {
    const matrix step = reference::combination(1, matrix::identity(a.rows()), -1, reference::product(a, s));
    sum += reference::squared_norm(reference::power(step, k));
  }
  return sum / static_cast<double>(draws.size());
}

// ---- the objective ----

TEST(exact_problem, objective_is_its_definition) {
  const one_thread scope;
  for (const int d : {1, 2, 5}) {
    for (const int count : {1, 2, 7}) {
      const std::vector<covariance> candidates = wisharts(count, d, 2 * d, "candidate");
      const std::vector<matrix> draws = draws_of(wishart(d, 3 * d, "target"), 7, 3);
      for (const int n : {1, 20}) {
        for (const int k : {0, 1, 2, 3, 6, 7, 13}) {
          const exact_problem problem(candidates, draws, n, k);
          const std::vector<double> pi = weights(count);
          const double expected = objective_of(preconditioner_of(candidates, pi, n), draws, k);
          EXPECT_NEAR(problem.objective(pi) / expected, 1, 1e-9) << "d " << d << ", n " << n << ", k " << k;
          EXPECT_NEAR(problem.log_objective(pi), std::log(expected), 1e-9);
          EXPECT_EQ(problem.evaluate(pi).log_objective, problem.log_objective(pi));
        }
      }
    }
  }
}

TEST(exact_problem, without_steps_has_error_d_and_no_slope) {
  const std::vector<covariance> candidates = wisharts(3, 4, 8, "candidate");
  const std::vector<matrix> draws = draws_of(candidates.front(), 5, 2);
  const exact_value value = exact_problem(candidates, draws, 10, 0).evaluate(weights(3));
  EXPECT_EQ(value.log_objective, std::log(4));
  EXPECT_THAT(value.gradient, testing::Each(0));
}

TEST(exact_problem, of_one_task_in_the_limit_is_that_of_theory) {
  const one_thread scope;
  const covariance lambda = wishart(4, 9, "lambda");
  const covariance sigma = wishart(4, 9, "sigma");
  const std::vector<double> limit = limit_errors(trained_preconditioner(lambda, 20), sigma, 12);
  for (int k = 0; k <= 12; ++k) {
    const exact_problem problem(std::span(&lambda, 1), std::span(&sigma.values(), 1), 20, k);
    EXPECT_NEAR(problem.objective(std::vector{1.0}) / limit[static_cast<std::size_t>(k)], 1, 1e-10) << k;
  }
}

TEST(exact_problem, after_one_step_is_that_of_theory_in_the_mean) {
  const one_thread scope;
  constexpr int d = 4;
  constexpr int m = 6;
  const std::vector<covariance> candidates = wisharts(3, d, 8, "candidate");
  const covariance sigma = wishart(d, 9, "sigma");
  const std::vector<double> pi = weights(3);
  support::sample_means mean(1);
  for (const matrix& s : draws_of(sigma, m, 4000)) {
    mean.add(exact_problem(candidates, std::span(&s, 1), 20, 1).objective(pi));
  }
  EXPECT_TRUE(within(4, mean, one_step_error(preconditioner_of(candidates, pi, 20), sigma, m)));
}

TEST(exact_problem, of_one_step_is_the_expectation) {
  const one_thread scope;
  const std::vector<covariance> candidates = wisharts(3, 4, 8, "candidate");
  const covariance sigma = wishart(4, 9, "sigma");
  const std::vector<double> pi = weights(3);
  for (const int m : {1, 3, 6, 50}) {
    const exact_problem problem = exact_problem::of_one_step(candidates, sigma.values(), m, 20);
    const double expected = one_step_error(preconditioner_of(candidates, pi, 20), sigma, m);
    EXPECT_NEAR(problem.objective(pi) / expected, 1, 1e-10) << m;
    const auto loss = [&](const matrix& p) { return problem.log_objective(as_vector(p)); };
    EXPECT_TRUE(support::is_gradient(as_matrix(problem.evaluate(pi).gradient), loss, as_matrix(pi),
                                     gaussian(1, 3, "direction"), 1e-5, 1e-6));
  }
  const exact_problem limit = exact_problem::of_one_step(candidates, sigma.values(), infinity, 20);
  EXPECT_EQ(limit.objective(pi), exact_problem(candidates, std::span(&sigma.values(), 1), 20, 1).objective(pi));
}

TEST(exact_problem, takes_other_draws) {
  const one_thread scope;
  const std::vector<covariance> candidates = wisharts(3, 4, 8, "candidate");
  const covariance sigma = wishart(4, 9, "sigma");
  const std::vector<matrix> some = draws_of(sigma, 6, 3);
  const std::vector<matrix> others = draws_of(sigma, 6, 20, "others");
  const exact_problem problem = exact_problem(candidates, some, 20, 1).on(others);
  EXPECT_EQ(problem.objective(weights(3)), exact_problem(candidates, others, 20, 1).objective(weights(3)));
  const exact_problem one_step = exact_problem::of_one_step(candidates, sigma.values(), 6, 20).on(others);
  EXPECT_EQ(one_step.objective(weights(3)), problem.objective(weights(3)));
  const std::vector<double> errors = problem.log_errors(weights(3));
  ASSERT_EQ(errors.size(), others.size());
  for (std::size_t i = 0; i < others.size(); ++i) {
    const exact_problem alone(candidates, std::span(&others[i], 1), 20, 1);
    EXPECT_EQ(errors[i], alone.log_objective(weights(3)));
  }
}

TEST(exact_problem, leaves_alone_what_no_task_has) {
  // Two tasks on the first two of three directions: the error is that on those, plus one for the third.
  const std::vector<covariance> candidates{covariance({1, 2, 0}), covariance({3, 0, 0})};
  const covariance sigma({1, 2, 3});
  const exact_problem problem(candidates, std::span(&sigma.values(), 1), 10, 3);
  const std::vector<covariance> seen{covariance({1, 2}), covariance({3, 0})};
  const covariance seen_sigma({1, 2});
  const exact_problem smaller(seen, std::span(&seen_sigma.values(), 1), 10, 3);
  for (const double p : {0.1, 0.6, 1.0}) {
    const std::vector<double> pi{p, 1 - p};
    EXPECT_NEAR(problem.objective(pi), smaller.objective(pi) + 1, 1e-13);
  }
  // The second alone leaves two directions; the least weight of the first opens one of them.
  EXPECT_GT(problem.objective(std::vector{0.0, 1.0}), 2);
  EXPECT_LT(problem.objective(std::vector{1e-6, 1 - 1e-6}), 2);
  EXPECT_THAT(problem.evaluate(std::vector{0.0, 1.0}).reachable, testing::ElementsAre(0, 1));
  EXPECT_THAT(problem.evaluate(std::vector{1.0, 0.0}).reachable, testing::ElementsAre(1, 1));
}

TEST(exact_problem, knows_errors_beyond_the_range_of_doubles) {
  const covariance lambda({1, 1e-3});
  const covariance sigma({1, 1e6});
  const exact_problem problem(std::span(&lambda, 1), std::span(&sigma.values(), 1), 1000, 500);
  const double spectral = 1 - 1e6 / ((1 + 1e-3) * 1e-3 + 1.001e-3);
  EXPECT_EQ(problem.objective(std::vector{1.0}), infinity);
  EXPECT_NEAR(problem.log_objective(std::vector{1.0}) / (1000 * std::log(-spectral)), 1, 1e-12);
  // and that are 0
  const covariance one({1});
  const matrix exact_draw = gamma(one, 7);
  EXPECT_EQ(exact_problem(std::span(&one, 1), std::span(&exact_draw, 1), 7, 4).objective(std::vector{1.0}), 0);
}

// ---- refusals ----

TEST(exact_problem, refuses_in_words) {
  const std::vector<covariance> two{covariance({1, 1}), covariance({1, 2})};
  const std::vector<matrix> three{matrix::identity(3)};
  EXPECT_THAT([&] { exact_problem(two, three, 1, 1); },
              ThrowsMessage<specification_error>(AllOf(HasSubstr("dimension 2"), HasSubstr("target has 3"))));
  EXPECT_THAT([&] { exact_problem({}, three, 1, 1); }, ThrowsMessage<specification_error>(HasSubstr("no candidate")));
  const std::vector<matrix> draws{matrix::identity(2)};
  EXPECT_THROW(exact_problem(two, {}, 1, 1), precondition_error);
  EXPECT_THROW(exact_problem(two, draws, 0, 1), precondition_error);
  EXPECT_THROW(exact_problem(two, draws, 1, -1), precondition_error);
  const exact_problem problem(two, draws, 1, 1);
  EXPECT_THROW(problem.objective(std::vector{1.0}), precondition_error);
  EXPECT_THROW(select_exact(problem, {}, {}, {}), precondition_error);
}

}  // namespace
}  // namespace cotscale
