// The minimum of the quadratic selection, against other solvers and by hand.
#include "cotscale/select/quadratic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "unit/select/quadratic_instances.hpp"
#include "unit/select/small_problems.hpp"

namespace cotscale {
namespace {

using support::close;

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

}  // namespace
}  // namespace cotscale
