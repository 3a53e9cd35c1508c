#include "cotscale/select/quadratic.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/spectrum.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

using support::close;
using support::gaussian;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double kkt_limit = 1e-10;

// Small problems on threads that wait for a core take their time.
struct one_thread {
  support::thread_scope loops{1};
  blas_threads blas{1};
};

// ---- instances ----

struct instance {
  std::vector<covariance> candidates;
  covariance target;
};

// A sample covariance of so many examples, of that rank at most.
covariance wishart(int d, int examples, std::string_view name) {
  const matrix x = gaussian(d, examples, name);
  return covariance::from_matrix(reference::gram(1.0 / examples, x));
}

std::string numbered(std::string_view name, int l) { return fmt::format("{} {}", name, l); }

instance random_instance(int tasks, int d, int examples, std::string_view name) {
  instance out{.candidates = {}, .target = wishart(d, 3 * d, numbered(name, -1))};
  for (int l = 0; l < tasks; ++l) out.candidates.push_back(wishart(d, examples, numbered(name, l)));
  return out;
}

covariance scaled(const covariance& lambda, double factor) {
  return covariance::from_matrix(combination(factor, lambda.values(), 0, lambda.values()));
}

// ---- what is checked against ----

// The points Σ⁻¹Λ_ℓ, from plain algebra.
std::vector<matrix> points_of(const instance& in) {
  const matrix inverse = reference::inverse(in.target.values());
  std::vector<matrix> out;
  for (const covariance& lambda : in.candidates) out.push_back(reference::product(inverse, lambda.values()));
  return out;
}

matrix residual_of(const std::vector<matrix>& points, const std::vector<double>& pi) {
  matrix out = combination(-1, matrix::identity(points.front().rows()), 0, points.front());
  for (std::size_t l = 0; l < points.size(); ++l) out = combination(1, out, pi[l], points[l]);
  return out;
}

double objective_of(const std::vector<matrix>& points, const std::vector<double>& pi) {
  return reference::squared_norm(residual_of(points, pi));
}

// The least objective on a grid of the simplex of three tasks.
double least_on_grid(const std::vector<matrix>& points, int steps) {
  double least = objective_of(points, {1, 0, 0});
  for (int i = 0; i <= steps; ++i) {
    for (int j = 0; i + j <= steps; ++j) {
      const double a = static_cast<double>(i) / steps;
      const double b = static_cast<double>(j) / steps;
      least = std::min(least, objective_of(points, {a, b, 1 - a - b}));
    }
  }
  return least;
}

std::vector<double> onto_simplex(std::vector<double> x) {
  double low = *std::min_element(x.begin(), x.end()) - 1;
  double high = *std::max_element(x.begin(), x.end());
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    double sum = 0;
    for (const double value : x) sum += std::max(0.0, value - middle);
    (sum > 1 ? low : high) = middle;
  }
  for (double& value : x) value = std::max(0.0, value - high);
  return x;
}

// Accelerated projected gradient, restarted where it climbs (O'Donoghue and Candès 2015), on the Gram matrix, which is
// exact enough for 1e−9.
double least_by_projected_gradient(const std::vector<matrix>& points, int iterations) {
  const std::size_t count = points.size();
  const auto size = static_cast<int>(count);
  matrix gram(size, size);
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) gram(i, j) = reference::inner(points[i], points[j]);
  }
  double bound = 0;  // of the largest eigenvalue
  for (int i = 0; i < size; ++i) bound += gram(i, i);
  std::vector<double> x(count, 1.0 / static_cast<double>(count));
  std::vector<double> y = x;
  double momentum = 1;
  for (int i = 0; i < iterations; ++i) {
    std::vector<double> next = y;
    std::vector<double> gradient(count);
    for (std::size_t l = 0; l < count; ++l) {
      gradient[l] = -trace(points[l]);
      for (std::size_t j = 0; j < count; ++j) gradient[l] += gram(static_cast<int>(l), static_cast<int>(j)) * y[j];
      next[l] -= gradient[l] / bound;
    }
    next = onto_simplex(next);
    double climb = 0;
    for (std::size_t l = 0; l < count; ++l) climb += gradient[l] * (next[l] - x[l]);
    const double before = momentum;
    momentum = climb > 0 ? 1 : 0.5 * (1 + std::sqrt(1 + 4 * momentum * momentum));
    const double weight = climb > 0 ? 0 : (before - 1) / momentum;
    for (std::size_t l = 0; l < count; ++l) y[l] = next[l] + weight * (next[l] - x[l]);
    x = next;
  }
  return objective_of(points, x);
}

// The documented residual, from plain algebra.
double kkt_by_definition(const std::vector<matrix>& points, const std::vector<double>& pi) {
  const matrix residual = residual_of(points, pi);
  const matrix identity = matrix::identity(residual.rows());
  const double mixture_norm = reference::frobenius_norm(reference::combination(1, residual, 1, identity));
  std::vector<double> g;
  for (const matrix& p : points) g.push_back(reference::inner(p, residual));
  const double multiplier = std::inner_product(pi.begin(), pi.end(), g.begin(), 0.0);
  double worst = std::abs(std::accumulate(pi.begin(), pi.end(), 0.0) - 1);
  for (std::size_t l = 0; l < pi.size(); ++l) {
    const double scale = (reference::frobenius_norm(points[l]) + mixture_norm) *
                         (mixture_norm + std::sqrt(static_cast<double>(residual.rows())));
    const double gap = (multiplier - g[l]) / scale;
    worst = std::max({worst, pi[l] > 0 ? std::abs(gap) : gap, -pi[l]});
  }
  return worst;
}

quadratic_solution solve(const instance& in) { return select_quadratic(in.candidates, in.target, {}); }

void expect_optimal(const instance& in, const quadratic_solution& s, const std::string& what) {
  ASSERT_EQ(s.probabilities.size(), in.candidates.size());
  EXPECT_LE(s.kkt_residual, kkt_limit) << what;
  EXPECT_LE(kkt_by_definition(points_of(in), s.probabilities), kkt_limit) << what;
  EXPECT_THAT(s.probabilities, testing::Each(testing::Ge(0))) << what;
  EXPECT_NEAR(std::accumulate(s.probabilities.begin(), s.probabilities.end(), 0.0), 1, 1e-12) << what;
  const double expected = objective_of(points_of(in), s.probabilities);
  EXPECT_NEAR(s.objective, expected, 1e-10 * expected + 1e-20) << what;
  EXPECT_EQ(s.objective, quadratic_objective(in.candidates, in.target, s.probabilities)) << what;
}

// ---- against other solvers ----

TEST(select_quadratic, is_no_worse_than_any_point_of_a_grid) {
  const one_thread scope;
  for (int i = 0; i < 30; ++i) {
    const instance in = random_instance(3, 2 + i % 3, 1 + i % 5, numbered("grid", i));
    const quadratic_solution s = solve(in);
    expect_optimal(in, s, numbered("grid", i));
    const double grid = least_on_grid(points_of(in), 60);
    EXPECT_LE(s.objective, grid * (1 + 1e-12));
    EXPECT_GE(s.objective, 0.5 * grid - 1) << "and not that of another problem";
  }
}

TEST(select_quadratic, is_what_projected_gradient_converges_to) {
  const one_thread scope;
  for (int i = 0; i < 60; ++i) {
    const int d = 1 + i % 5;
    const int tasks = 2 + i % 13;
    const instance in = random_instance(tasks, d, 1 + i % 7, numbered("random", i));
    const quadratic_solution s = solve(in);
    expect_optimal(in, s, numbered("random", i));
    const double reference = least_by_projected_gradient(points_of(in), 8'000);
    EXPECT_NEAR(s.objective, reference, 1e-8 * reference + 1e-10) << "d " << d << ", T " << tasks;
  }
}

TEST(select_quadratic, knows_the_answer_between_two_tasks) {
  // ‖I − diag(2π, 2(1 − π))/1‖² is least at ½; of (4, 0) and (0, 2) at (1 − 4π)² + (2π − 1)² = min, π = 0.3.
  EXPECT_TRUE(close(solve({{covariance({2, 0}), covariance({0, 2})}, covariance({1, 1})}).probabilities,
                    std::vector{0.5, 0.5}, 1e-15));
  const quadratic_solution s = solve({{covariance({4, 0}), covariance({0, 2})}, covariance({1, 1})});
  EXPECT_TRUE(close(s.probabilities, std::vector{0.3, 0.7}, 1e-15));
  EXPECT_NEAR(s.objective, 0.2, 1e-15);
  const quadratic_solution vertex = solve({{covariance({3, 3}), covariance({1.5, 1.5})}, covariance({1, 1})});
  EXPECT_THAT(vertex.probabilities, testing::ElementsAre(0, 1));
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
