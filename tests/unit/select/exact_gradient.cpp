// The gradient of the exact selection's objective, against differences of the objective.
#include "cotscale/select/exact.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "cotscale/linalg/blas.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"
#include "unit/select/exact_problems.hpp"
#include "unit/select/small_problems.hpp"

namespace cotscale {
namespace {

using support::gaussian;

struct gradient_case {
  std::vector<covariance> candidates;
  std::vector<matrix> draws;
  int n, k;
};

std::vector<gradient_case> gradient_cases() {
  std::vector<gradient_case> out;
  for (const int k : {1, 2, 3, 5, 10}) {
    const covariance sigma = wishart(4, 12, "sigma");
    out.push_back({wisharts(5, 4, 8, "full"), draws_of(sigma, 9, 4), 15, k});
    out.push_back({wisharts(5, 4, 2, "singular"), draws_of(sigma, 3, 4), 15, k});
    out.push_back({wisharts(5, 4, 6, "limit"), {sigma.values()}, 40, k});
    // All tasks on the same two of three directions.
    out.push_back({{covariance({1, 2, 0}), covariance({3, 0, 0}), covariance({0.5, 0.1, 0})},
                   draws_of(wishart(3, 9, "three"), 8, 3),
                   10,
                   k});
  }
  return out;
}

TEST(exact_problem, gradient_is_that_of_finite_differences) {
  const one_thread scope;
  for (const gradient_case& c : gradient_cases()) {
    const exact_problem problem(c.candidates, c.draws, c.n, c.k);
    const std::vector<double> pi = weights(problem.count());
    const exact_value value = problem.evaluate(pi);
    EXPECT_THAT(value.reachable, testing::Each(1));
    const auto loss = [&](const matrix& p) { return problem.log_objective(as_vector(p)); };
    const matrix direction = gaussian(1, problem.count(), "direction");
    const matrix gradient = as_matrix(value.gradient);
    EXPECT_TRUE(support::is_gradient(gradient, loss, as_matrix(pi), direction, 1e-5, 1e-6)) << c.k;
    for (int l = 0; l < problem.count(); ++l) {
      matrix wrong = gradient;
      wrong(0, l) += 1e-3 * (1 + std::abs(wrong(0, l)));
      EXPECT_FALSE(support::is_gradient(wrong, loss, as_matrix(pi), direction, 1e-5, 1e-6)) << "the check can tell";
    }
  }
}

TEST(exact_problem, knows_ratios_only) {
  const one_thread scope;
  for (const gradient_case& c : gradient_cases()) {
    const exact_problem problem(c.candidates, c.draws, c.n, c.k);
    std::vector<double> pi = weights(problem.count());
    const exact_value value = problem.evaluate(pi);
    const double sum = std::inner_product(pi.begin(), pi.end(), value.gradient.begin(), 0.0);
    EXPECT_NEAR(sum, 0, 1e-9 * frobenius_norm(as_matrix(value.gradient)));
    for (double& p : pi) p *= 4;
    EXPECT_NEAR(problem.log_objective(pi), value.log_objective, 1e-10 * std::abs(value.log_objective) + 1e-12);
  }
}

TEST(exact_problem, gradient_is_finite_where_the_error_is_not) {
  const std::vector<covariance> candidates{covariance({1, 1e-3}), covariance({1e-3, 2e-3})};
  const covariance sigma({1, 1e6});
  const exact_problem problem(candidates, std::span(&sigma.values(), 1), 1000, 500);
  const std::vector<double> pi{0.5, 0.5};
  ASSERT_EQ(problem.objective(pi), infinity);
  const exact_value value = problem.evaluate(pi);
  const auto loss = [&](const matrix& p) { return problem.log_objective(as_vector(p)); };
  EXPECT_TRUE(support::is_gradient(as_matrix(value.gradient), loss, as_matrix(pi), as_matrix({1, -0.3}), 1e-6, 1e-6));
}

TEST(exact_problem, does_not_depend_on_threads) {
  const gradient_case c = gradient_cases().front();
  const exact_problem problem(c.candidates, c.draws, c.n, 10);
  const exact_value expected = problem.evaluate(weights(5));
  for (const int threads : {1, 2, 3}) {
    const support::thread_scope scope(threads);
    EXPECT_EQ(problem.evaluate(weights(5)).gradient, expected.gradient);
    EXPECT_EQ(problem.objective(weights(5)), std::exp(expected.log_objective));
  }
}

}  // namespace
}  // namespace cotscale
