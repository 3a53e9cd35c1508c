// Random instances of the quadratic selection, and what makes a solution optimal, from plain algebra.
#pragma once

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

#include "cotscale/linalg/matrix.hpp"
#include "cotscale/select/quadratic.hpp"
#include "cotscale/task/covariance.hpp"
#include "reference/matrix.hpp"
#include "unit/select/small_problems.hpp"

namespace cotscale {

inline constexpr double kkt_limit = 1e-10;

struct instance {
  std::vector<covariance> candidates;
  covariance target;
};

inline std::string numbered(std::string_view name, int l) { return fmt::format("{} {}", name, l); }

inline instance random_instance(int tasks, int d, int examples, std::string_view name) {
  instance out{.candidates = {}, .target = wishart(d, 3 * d, numbered(name, -1))};
  for (int l = 0; l < tasks; ++l) out.candidates.push_back(wishart(d, examples, numbered(name, l)));
  return out;
}

// The points Σ⁻¹Λ_ℓ, from plain algebra.
inline std::vector<matrix> points_of(const instance& in) {
  const matrix inverse = reference::inverse(in.target.values());
  std::vector<matrix> out;
  for (const covariance& lambda : in.candidates) out.push_back(reference::product(inverse, lambda.values()));
  return out;
}

inline matrix residual_of(const std::vector<matrix>& points, const std::vector<double>& pi) {
  matrix out = combination(-1, matrix::identity(points.front().rows()), 0, points.front());
  for (std::size_t l = 0; l < points.size(); ++l) out = combination(1, out, pi[l], points[l]);
  return out;
}

inline double objective_of(const std::vector<matrix>& points, const std::vector<double>& pi) {
  return reference::squared_norm(residual_of(points, pi));
}

// The documented residual, from plain algebra.
inline double kkt_by_definition(const std::vector<matrix>& points, const std::vector<double>& pi) {
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

inline quadratic_solution solve(const instance& in) { return select_quadratic(in.candidates, in.target, {}); }

inline void expect_optimal(const instance& in, const quadratic_solution& s, const std::string& what) {
  ASSERT_EQ(s.probabilities.size(), in.candidates.size());
  EXPECT_LE(s.kkt_residual, kkt_limit) << what;
  EXPECT_LE(kkt_by_definition(points_of(in), s.probabilities), kkt_limit) << what;
  EXPECT_THAT(s.probabilities, testing::Each(testing::Ge(0))) << what;
  EXPECT_NEAR(std::accumulate(s.probabilities.begin(), s.probabilities.end(), 0.0), 1, 1e-12) << what;
  const double expected = objective_of(points_of(in), s.probabilities);
  EXPECT_NEAR(s.objective, expected, 1e-10 * expected + 1e-20) << what;
  EXPECT_EQ(s.objective, quadratic_objective(in.candidates, in.target, s.probabilities)) << what;
}

}  // namespace cotscale
