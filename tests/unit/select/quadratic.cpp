// The quadratic selection on difficult inputs.
#include "cotscale/select/quadratic.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <stop_token>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/task/spectrum.hpp"
#include "support/threads.hpp"
#include "unit/select/quadratic_instances.hpp"
#include "unit/select/small_problems.hpp"

namespace cotscale {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

covariance scaled(const covariance& lambda, double factor) {
  return covariance::from_matrix(combination(factor, lambda.values(), 0, lambda.values()));
}

// ---- difficult inputs ----

TEST(select_quadratic, takes_one_task) {
  const quadratic_solution s = solve({{covariance({2, 0})}, covariance({1, 4})});
  EXPECT_THAT(s.probabilities, testing::ElementsAre(1));
  EXPECT_EQ(s.objective, 2);
  EXPECT_LE(s.kkt_residual, kkt_limit);
}

TEST(select_quadratic, finds_a_target_in_the_hull) {
  const one_thread scope;
  for (int i = 0; i < 20; ++i) {
    instance in = random_instance(4 + i, 3, 2, numbered("hull", i));
    matrix sum(3, 3);
    for (const covariance& lambda : in.candidates) {
      sum = combination(1, sum, 1.0 / static_cast<double>(in.candidates.size()), lambda.values());
    }
    in.target = covariance::from_matrix(sum);
    const quadratic_solution s = solve(in);
    expect_optimal(in, s, numbered("hull", i));
    EXPECT_LE(s.objective, 1e-20);
  }
}

TEST(select_quadratic, takes_singular_candidates_and_more_than_the_dimension_allows) {
  const one_thread scope;
  for (const int d : {1, 2, 4}) {
    for (const int rank : {1, 2}) {
      const instance in = random_instance(150, d, rank, "singular");
      expect_optimal(in, solve(in), fmt::format("d {}, rank {}", d, rank));
    }
  }
}

TEST(select_quadratic, takes_duplicates_and_near_duplicates) {
  const one_thread scope;
  for (const double apart : {0.0, 1e-15, 1e-12, 1e-9, 1e-8, 1e-7, 1e-6, 1e-4}) {
    instance in = random_instance(12, 4, 3, "original");
    const instance noise = random_instance(12, 4, 3, "noise");
    for (std::size_t l = 0; l < 12; ++l) {
      in.candidates.push_back(
          covariance::from_matrix(combination(1, in.candidates[l].values(), apart, noise.candidates[l].values())));
    }
    expect_optimal(in, solve(in), fmt::format("{} apart", apart));
  }
}

TEST(select_quadratic, takes_every_scale) {
  const one_thread scope;
  for (const double factor : {1e-12, 1e-6, 1e-3, 1e3, 1e6, 1e12}) {
    instance in = random_instance(25, 4, 3, "scale");
    for (covariance& lambda : in.candidates) lambda = scaled(lambda, factor);
    expect_optimal(in, solve(in), fmt::format("all × {}", factor));
    const instance mixed = random_instance(25, 4, 3, "scale");
    for (std::size_t l = 0; l < in.candidates.size(); ++l) {
      in.candidates[l] = scaled(mixed.candidates[l], l % 3 == 0 ? factor : l % 3 == 1 ? 1 / factor : 1);
    }
    expect_optimal(in, solve(in), fmt::format("some × {}", factor));
  }
}

TEST(select_quadratic, takes_an_ill_conditioned_target) {
  const one_thread scope;
  for (const double smallest : {1e-3, 1e-6}) {
    instance in = random_instance(30, 4, 3, "condition");
    in.target = covariance({1, 0.5, 10 * smallest, smallest});
    const quadratic_solution s = solve(in);
    EXPECT_LE(s.kkt_residual, kkt_limit) << smallest;
  }
}

TEST(select_quadratic, fills_and_empties_its_corral) {
  const one_thread scope;
  // Nearly orthogonal points all carry weight; far fewer dimensions than points let few.
  for (const int d : {6, 30}) {
    const instance in = random_instance(200, d, d, "many");
    const quadratic_solution s = solve(in);
    EXPECT_LE(s.kkt_residual, kkt_limit);
    const auto support = std::count_if(s.probabilities.begin(), s.probabilities.end(), [](double p) { return p > 0; });
    EXPECT_LE(support, d * (d + 1) / 2 + 1) << "Carathéodory";
  }
}

TEST(select_quadratic, does_not_depend_on_threads) {
  const instance in = random_instance(60, 5, 4, "threads");
  const quadratic_solution expected = solve(in);
  for (const int threads : {1, 2, 3}) {
    const support::thread_scope scope(threads);
    EXPECT_EQ(solve(in).probabilities, expected.probabilities);
  }
}

// Proposition 4.3: for a hard target at least half of the mass is on hard tasks.
TEST(select_quadratic, prefers_hard_tasks_for_a_hard_target) {
  constexpr int d = 8;
  const covariance target(power_law_spectrum(d, 0.5));
  std::vector<covariance> candidates;
  for (int l = 0; l < 8; ++l) {
    std::vector<double> values(d);
    const int length = l < 4 ? 2 : d;  // short ones are easy
    for (int j = 0; j < length; ++j) values[static_cast<std::size_t>((3 * j + l) % d)] = std::pow(j + 1, -0.8);
    candidates.emplace_back(values);
  }
  const quadratic_solution s = select_quadratic(candidates, target, {});
  EXPECT_GE(std::accumulate(s.probabilities.begin() + 4, s.probabilities.end(), 0.0), 0.5);
}

// ---- refusals ----

TEST(select_quadratic, refuses_in_words) {
  const std::vector<covariance> two{covariance({1, 1}), covariance({1, 2})};
  EXPECT_THAT(
      [&] {
        select_quadratic(two, covariance({1, 0}), {});
      },
      ThrowsMessage<specification_error>(
          AllOf(HasSubstr("target is singular"), HasSubstr("eigenvalues from"), HasSubstr("restrict"))));
  EXPECT_THROW(select_quadratic(two, covariance({1, 1e-16}), {}), specification_error);
  EXPECT_THROW(quadratic_objective(two, covariance({1, 0}), std::vector{0.5, 0.5}), specification_error);
  EXPECT_THAT(
      [&] {
        select_quadratic(two, covariance({1, 1, 1}), {});
      },
      ThrowsMessage<specification_error>(AllOf(HasSubstr("dimension 2"), HasSubstr("target has 3"))));
  EXPECT_THAT(
      [] {
        select_quadratic({}, covariance({1, 1}), {});
      },
      ThrowsMessage<specification_error>(HasSubstr("no candidate")));
  EXPECT_THROW(quadratic_objective(two, covariance({1, 1}), std::vector{1.0}), precondition_error);
  EXPECT_THROW(select_quadratic(std::vector{covariance({1e300, 1})}, covariance({1, 1}), {}), numerical_error);
}

TEST(select_quadratic, stops_when_asked_to) {
  std::stop_source source;
  source.request_stop();
  EXPECT_THROW(select_quadratic(std::vector{covariance({1, 1})}, covariance({1, 1}), source.get_token()), stopped);
}

}  // namespace
}  // namespace cotscale
