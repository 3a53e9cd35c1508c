#include "cotscale/select/exact.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/select/plain.hpp"
#include "cotscale/select/quadratic.hpp"
#include "cotscale/task/prompt.hpp"
#include "cotscale/task/spectrum.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "reference/matrix.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"
#include "support/monte_carlo.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double infinity = std::numeric_limits<double>::infinity();

// Small problems on threads that wait for a core take their time.
struct one_thread {
  support::thread_scope loops{1};
  blas_threads blas{1};
};

// ---- instances ----

covariance wishart(int d, int examples, std::string_view name) {
  return covariance::from_matrix(reference::gram(1.0 / examples, gaussian(d, examples, name)));
}

std::vector<covariance> wisharts(int count, int d, int examples, std::string_view name) {
  std::vector<covariance> out;
  for (int l = 0; l < count; ++l) out.push_back(wishart(d, examples, fmt::format("{} {}", name, l)));
  return out;
}

std::vector<matrix> draws_of(const covariance& sigma, int m, int count, std::string_view name = "draws") {
  const prompt_source source(sigma, m, key_builder(name).key());
  std::vector<matrix> out;
  prompt p;
  for (int i = 0; i < count; ++i) {
    source.draw(static_cast<std::uint64_t>(i), p);
    out.push_back(reference::gram(1.0 / m, p.x));
  }
  return out;
}

// Positive weights of sum 1, never equal ones.
std::vector<double> weights(int count) {
  std::vector<double> out;
  for (int l = 0; l < count; ++l) out.push_back((1.0 + l) / (0.5 * count * (count + 1)));
  return out;
}

matrix as_matrix(const std::vector<double>& values) {
  matrix out(1, static_cast<int>(values.size()));
  std::copy(values.begin(), values.end(), out.data());
  return out;
}

std::vector<double> as_vector(const matrix& a) { return {a.values().begin(), a.values().end()}; }

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

// ---- its gradient ----

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

// ---- the descent ----

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
  for (int i = 0; i < 24; ++i) {
    const int d = 2 + i % 5;
    const int k = 1 + 2 * (i % 6);
    const covariance target = wishart(d, 3 * d, fmt::format("target {}", i));
    const std::vector<covariance> candidates = wisharts(5 + 4 * (i % 3), d, d + 3, fmt::format("candidates {}", i));
    const std::vector<matrix> draws = i % 4 == 0 ? std::vector{target.values()} : draws_of(target, 40 * d, 12);
    const exact_problem problem(candidates, draws, 20 + 100 * (i % 3), k);
    const exact_solution s = select_exact(problem, starts_of(candidates, target), {}, {});
    EXPECT_LE(s.stationarity, 1e-4) << "instance " << i;
    EXPECT_NEAR(s.stationarity, stationarity_of(problem.evaluate(s.probabilities)), 1e-12);
    EXPECT_LE(s.iterations, 300) << "instance " << i;
  }
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
