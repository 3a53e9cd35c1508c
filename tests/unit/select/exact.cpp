// The descent to the minimum of the exact objective, and what it takes to begin with.
#include "cotscale/select/exact.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <stop_token>
#include <vector>

#include "cotscale/base/stop.hpp"
#include "cotscale/select/plain.hpp"
#include "cotscale/select/quadratic.hpp"
#include "unit/select/exact_problems.hpp"
#include "unit/select/small_problems.hpp"

namespace cotscale {
namespace {

std::vector<std::vector<double>> starts_of(const std::vector<covariance>& candidates, const covariance& target) {
  return {select_quadratic(candidates, target, {}).probabilities, uniform_mixture(candidates), easy_mixture(candidates),
          hard_mixture(candidates), relevant_mixture(candidates, target)};
}

void expect_simplex(const std::vector<double>& pi) {
  EXPECT_THAT(pi, testing::Each(testing::Ge(0)));
  EXPECT_NEAR(std::accumulate(pi.begin(), pi.end(), 0.0), 1, 1e-12);
}

TEST(select_exact, is_no_worse_than_any_start) {
  const one_thread scope;
  for (int i = 0; i < 12; ++i) {
    const int d = 2 + i % 4;
    const covariance target = wishart(d, 3 * d, fmt::format("target {}", i));
    const std::vector<covariance> candidates = wisharts(9, d, 1 + i % 5, fmt::format("candidates {}", i));
    const std::vector<matrix> draws = i % 3 == 0 ? std::vector{target.values()} : draws_of(target, 4 * d, 5);
    const exact_problem problem(candidates, draws, 10 + 40 * (i % 3), 1 + i);
    const auto starts = starts_of(candidates, target);
    const exact_solution s = select_exact(problem, starts, {}, {});
    expect_simplex(s.probabilities);
    EXPECT_EQ(s.objective, problem.objective(s.probabilities));
    ASSERT_LT(s.start, starts.size());
    for (const auto& start : starts) EXPECT_LE(s.objective, problem.objective(start)) << i;
  }
}

// The best of a fine grid over three tasks that all have full rank.
TEST(select_exact, finds_the_minimum_of_three_tasks) {
  const one_thread scope;
  for (const int k : {1, 4}) {
    const covariance target({1, 0.5, 0.2});
    const std::vector<covariance> candidates{covariance({1, 0.1, 0.1}), covariance({0.1, 1, 0.1}),
                                             covariance({0.1, 0.1, 1})};
    const exact_problem problem(candidates, std::span(&target.values(), 1), 50, k);
    const auto starts = starts_of(candidates, target);
    const exact_solution s = select_exact(problem, starts, {.tolerance = 1e-12}, {});
    double least = infinity;
    constexpr int steps = 100;
    for (int i = 0; i <= steps; ++i) {
      for (int j = 0; i + j <= steps; ++j) {
        const double a = static_cast<double>(i) / steps;
        const double b = static_cast<double>(j) / steps;
        least = std::min(least, problem.objective(std::vector{a, b, std::max(0.0, 1 - a - b)}));
      }
    }
    EXPECT_LE(s.objective, least);
    EXPECT_LE(s.stationarity, 1e-3);
  }
}

// Before, projected gradient ended after hundreds of steps with slopes of 0.15 to 0.45 (issue 8, item 6).
TEST(select_exact, is_stationary) {
  const one_thread scope;
  int without_error = 0;
  for (int i = 0; i < 24; ++i) {
    const int d = 2 + i % 5;
    const int k = 1 + 2 * (i % 6);
    const covariance target = wishart(d, 3 * d, fmt::format("target {}", i));
    const std::vector<covariance> candidates = wisharts(5 + 4 * (i % 3), d, d + 3, fmt::format("candidates {}", i));
    const std::vector<matrix> draws = i % 4 == 0 ? std::vector{target.values()} : draws_of(target, 40 * d, 12);
    const exact_problem problem(candidates, draws, 20 + 100 * (i % 3), k);
    const exact_solution s = select_exact(problem, starts_of(candidates, target), {}, {});
    EXPECT_LE(s.iterations, 300) << "instance " << i;
    if (s.objective < 1e-16) {  // mixtures that have the target's own shape: a minimum of 0, whose logarithm has no end
      ++without_error;
      continue;
    }
    EXPECT_LE(s.stationarity, 1e-4) << "instance " << i;
    EXPECT_NEAR(s.stationarity, stationarity_of(problem.evaluate(s.probabilities)), 1e-12);
  }
  EXPECT_LE(without_error, 3) << "or little is tested";
}

TEST(select_exact, goes_on_from_another_solution) {
  const one_thread scope;
  const covariance target = wishart(4, 12, "target");
  const std::vector<covariance> candidates = wisharts(9, 4, 7, "candidate");
  const std::vector<matrix> few = draws_of(target, 60, 8);
  const std::vector<matrix> many = draws_of(target, 60, 64);
  const exact_problem first(candidates, few, 50, 5);
  const exact_problem second(candidates, many, 50, 5);
  const exact_solution before = select_exact(first, starts_of(candidates, target), {}, {});
  const exact_solution after = descend_further(second, before, {}, {});
  EXPECT_LT(after.objective, second.objective(before.probabilities));
  EXPECT_EQ(after.objective, second.objective(after.probabilities));
  EXPECT_EQ(after.log_objective, second.log_objective(after.probabilities));
  EXPECT_LE(after.stationarity, 1e-4);
  EXPECT_EQ(after.start, before.start);
  EXPECT_EQ(descend_further(second, after, {}, {}).iterations, 0) << "it is there already";
}

// Only the second task has the third direction, and the first is better on the others: the less there is of the second
// the better, but without it the third direction is lost.
TEST(select_exact, approaches_an_infimum_at_the_boundary) {
  const one_thread scope;
  const std::vector<covariance> candidates{covariance({1, 1, 0}), covariance({1, 20, 1})};
  const covariance target({1, 1, 1});
  const exact_problem problem(candidates, std::span(&target.values(), 1), 100, 3);
  const exact_solution s = select_exact(problem, std::vector<std::vector<double>>{{0.5, 0.5}}, {}, {});
  EXPECT_GT(s.probabilities[1], 0);
  EXPECT_LT(s.probabilities[1], 1e-3);
  EXPECT_LE(s.stationarity, 1e-4);
  EXPECT_LT(s.objective, 1);
  EXPECT_GT(problem.objective(std::vector{1.0, 0.0}), 1);
}

TEST(select_exact, without_descent_is_the_best_start) {
  const one_thread scope;
  const covariance target = wishart(4, 12, "target");
  const std::vector<covariance> candidates = wisharts(9, 4, 3, "candidate");
  const exact_problem problem(candidates, std::span(&target.values(), 1), 50, 5);
  const auto starts = starts_of(candidates, target);
  const exact_solution s = select_exact(problem, starts, {.iterations = 0, .last_iterations = 0}, {});
  EXPECT_EQ(s.iterations, 0);
  EXPECT_EQ(s.probabilities, starts[s.start]);
  for (const auto& start : starts) EXPECT_LE(s.objective, problem.objective(start));
  const exact_solution descended = select_exact(problem, starts, {}, {});
  EXPECT_LT(descended.objective, s.objective);
  EXPECT_GT(descended.iterations, 0);
}

TEST(select_exact, takes_one_task_and_no_steps) {
  const covariance lambda = wishart(3, 5, "lambda");
  const std::vector<std::vector<double>> one{{1.0}};
  const exact_problem alone(std::span(&lambda, 1), std::span(&lambda.values(), 1), 10, 3);
  EXPECT_THAT(select_exact(alone, one, {}, {}).probabilities, testing::ElementsAre(1));
  const std::vector<covariance> two = wisharts(2, 3, 5, "two");
  const std::vector<std::vector<double>> starts{{0.5, 0.5}, {0.0, 1.0}};
  const exact_solution s = select_exact(exact_problem(two, std::span(&lambda.values(), 1), 10, 0), starts, {}, {});
  EXPECT_NEAR(s.objective, 3, 1e-14);
  EXPECT_EQ(s.start, 0U) << "the first of equals";
  EXPECT_EQ(s.stationarity, 0);
}

TEST(select_exact, takes_starts_of_smaller_support) {
  // From the first task alone the third cannot be reached; from all three it can.
  const std::vector<covariance> candidates{covariance({1, 0, 0}), covariance({1, 1, 0}), covariance({0, 1, 1})};
  const covariance target({1, 1, 1});
  const exact_problem problem(candidates, std::span(&target.values(), 1), 30, 4);
  const exact_solution narrow = select_exact(problem, std::vector<std::vector<double>>{{1, 0, 0}}, {}, {});
  EXPECT_THAT(narrow.probabilities, testing::ElementsAre(1, 0, 0));
  const std::vector<std::vector<double>> both{{1, 0, 0}, {0.2, 0.3, 0.5}};
  const exact_solution wide = select_exact(problem, both, {}, {});
  EXPECT_EQ(wide.start, 1U);
  EXPECT_LT(wide.objective, narrow.objective);
}

TEST(select_exact, takes_starts_that_diverge) {
  // Weak on the second direction, on which the target is strong: (I − AΣ)^k is beyond the range of doubles.
  const std::vector<covariance> candidates{covariance({1, 1e-4}), covariance({1, 1})};
  const covariance target({1, 1});
  const exact_problem problem(candidates, std::span(&target.values(), 1), 100'000, 100);
  const std::vector<std::vector<double>> starts{{1, 0}, {1 - 1e-9, 1e-9}};
  ASSERT_EQ(problem.objective(starts[0]), infinity);
  const exact_solution s = select_exact(problem, starts, {}, {});
  EXPECT_LE(s.objective, problem.objective(starts[1]));
  EXPECT_LT(s.objective, 1);
}

TEST(select_exact, stops_when_asked_to) {
  const std::vector<covariance> two{covariance({1, 1}), covariance({1, 2})};
  const std::vector<matrix> draws{matrix::identity(2)};
  std::stop_source source;
  source.request_stop();
  EXPECT_THROW(select_exact(exact_problem(two, draws, 1, 1), std::vector<std::vector<double>>{{0.5, 0.5}}, {},
                            source.get_token()),
               stopped);
}

}  // namespace
}  // namespace cotscale
