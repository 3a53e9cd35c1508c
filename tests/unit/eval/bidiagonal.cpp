// Prompts in bidiagonal form: computing with them is what dense algebra says, and they are distributed as Wishart ones.
#include "cotscale/task/bidiagonal.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "cotscale/eval/baselines.hpp"
#include "cotscale/model/bidiagonal_chain.hpp"
#include "cotscale/model/pseudo_newton.hpp"
#include "reference/matrix.hpp"
#include "reference/statistics.hpp"

namespace cotscale {
namespace {

constexpr stream_key some_key{11, 12}, other_key{13, 14};

struct shape {
  int d, m;
};

// Ŝ of the columns that are held, (columns + 1, columns + 1).
matrix gram_of(const bidiagonal_lanes& p, int lane) {
  matrix b(p.columns() + 1, std::max(1, p.columns()));
  for (int j = 0; j < p.columns(); ++j) {
    b(j, j) = p.diagonal(j, lane);
    b(j + 1, j) = p.below(j, lane);
  }
  return reference::product(b, reference::transposed(b));
}

matrix first_unit(int rows) {
  matrix e(rows, 1);
  e(0, 0) = 1;
  return e;
}

TEST(bidiagonal, chains_are_those_of_its_matrix) {
  constexpr double a = 0.7;
  constexpr int steps = 6;
  for (const auto& [d, m] : {shape{1, 1}, {1, 9}, {5, 4}, {4, 5}, {3, 3}, {40, 50}, {50, 40}, {9, 1}}) {
    bidiagonal_lanes p;
    bidiagonal_source(d, m, 1.5, steps, some_key).draw(2, p);
    matrix errors(steps + 1, lane_count);
    bidiagonal_chain(a, p, errors);
    for (int lane = 0; lane < lane_count; ++lane) {
      const matrix gram = gram_of(p, lane);
      matrix u = first_unit(gram.rows());
      for (int k = 0; k <= steps; ++k) {
        const double expected = p.norm_square[static_cast<std::size_t>(lane)] * reference::squared_norm(u);
        EXPECT_NEAR(errors(k, lane), expected, 1e-12 * (p.norm_square[static_cast<std::size_t>(lane)] + expected))
            << d << ", " << m << ", " << k;
        u = reference::combination(1, u, -a, reference::product(gram, u));
      }
    }
  }
}

TEST(bidiagonal, chains_longer_than_its_columns_are_refused) {
  bidiagonal_lanes p;
  bidiagonal_source(9, 12, 1, 3, some_key).draw(0, p);
  EXPECT_EQ(p.columns(), 3);
  EXPECT_FALSE(p.is_complete());
  matrix errors(5, lane_count);
  EXPECT_THROW(bidiagonal_chain(1, p, errors), std::exception);
  bidiagonal_source(3, 12, 1, 9, some_key).draw(0, p);
  EXPECT_TRUE(p.is_complete());
  EXPECT_EQ(p.below(2, 0), 0) << "no degrees of freedom are left";
  EXPECT_NO_THROW(bidiagonal_chain(1, p, errors));
}

TEST(bidiagonal, ridge_solves_its_system_and_least_squares_is_its_limit) {
  for (const auto& [d, m] : {shape{1, 4}, {5, 4}, {4, 5}, {6, 6}, {9, 1}}) {
    bidiagonal_lanes p;
    bidiagonal_source(d, m, 2, 2, some_key).draw_longer(1, 100, p);
    ASSERT_TRUE(p.is_complete());
    std::array<double, lane_count> ridge{}, limit{}, least{};
    bidiagonal_ridge(0.3, p, ridge.data());
    bidiagonal_ridge(1e-12, p, limit.data());
    bidiagonal_least_squares(p, least.data());
    for (int lane = 0; lane < lane_count; ++lane) {
      const auto l = static_cast<std::size_t>(lane);
      const matrix gram = gram_of(p, lane), e = first_unit(gram.rows());
      const matrix shifted = reference::combination(1, gram, 0.3, matrix::identity(gram.rows()));
      const double expected = 0.09 * reference::squared_norm(reference::product(reference::inverse(shifted), e));
      EXPECT_NEAR(ridge[l] / p.norm_square[l], expected, 1e-12);
      EXPECT_NEAR(least[l] / p.norm_square[l], limit[l] / p.norm_square[l], 1e-6) << d << ", " << m;
      EXPECT_EQ(least[l] == 0, m >= d);
    }
  }
}

TEST(bidiagonal, more_columns_leave_the_first_as_they_are) {
  const bidiagonal_source source(300, 200, 1, 7, some_key);
  bidiagonal_lanes few, many;
  source.draw(5, few);
  source.draw_longer(5, 120, many);
  EXPECT_EQ(many.columns(), 120);
  EXPECT_EQ(many.norm_square, few.norm_square);
  for (int j = 0; j < few.columns(); ++j) {
    EXPECT_EQ(many.diagonal(j, 3), few.diagonal(j, 3));
    EXPECT_EQ(many.below(j, 3), few.below(j, 3));
  }
  source.draw_longer(5, 3, many);
  EXPECT_EQ(many.columns(), 7);
  source.draw_longer(5, 1'000, many);
  EXPECT_TRUE(many.is_complete());
  EXPECT_EQ(many.null_tail[0], 0);
}

TEST(bidiagonal, ridge_needs_no_more_columns_than_it_says) {
  for (const auto& [d, m] : {shape{40'000, 400'000}, {40'000, 80'000}, {80'000, 40'000}, {60'000, 50'000}}) {
    constexpr double p = 1e-6;
    const int columns = ridge_columns(d, m, p);
    ASSERT_LT(columns, std::min(d, m) / 2);
    const bidiagonal_source source(d, m, 1, 1, some_key);
    bidiagonal_lanes more;
    source.draw_longer(0, 2 * columns, more);
    std::array<double, lane_count> with_all{}, with_first{};
    bidiagonal_ridge(p, more, with_all.data());
    for (matrix* part : {&more.diagonal, &more.below}) {
      matrix first(columns, lane_count);
      std::copy_n(part->data(), first.size(), first.data());
      *part = first;
    }
    bidiagonal_ridge(p, more, with_first.data());
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
      EXPECT_NEAR(with_first[lane] / with_all[lane], 1, 1e-8) << d << ", " << m << ", " << columns;
    }
  }
}

// ---- distribution ----

constexpr int steps = 10;

// Gradient descent goes by the step size that is best for these prompts: it is compared where that is the same.
struct sampled_errors {
  error_table table;  ///< of a chain with A = I/1.6 on Σ = s I in rows 0 … steps, below them those of the baselines
  std::vector<double> parameters;  ///< of each row; 0 where there are none
};

sampled_errors errors_of(const covariance& sigma, int m, const lane_source& source, int prompts) {
  const matrix a = matrix::diagonal(
      std::vector<double>(static_cast<std::size_t>(sigma.values().rows()), 1 / (1.6 * sigma.largest_eigenvalue())));
  sampled_errors out{evaluate([&](const prompt_lanes& p, matrix& errors) { pseudo_newton(a, p, errors); }, steps + 1,
                              source, prompts, {}),
                     std::vector<double>(steps + 1)};
  for (baseline_errors& b : evaluate_baselines(baselines_for(false), {sigma, m, steps}, source, prompts, {})) {
    out.table.rows += b.errors.rows;
    out.table.values.insert(out.table.values.end(), b.errors.values.begin(), b.errors.values.end());
    out.parameters.resize(static_cast<std::size_t>(out.table.rows), std::isnan(b.parameter) ? 0 : b.parameter);
  }
  return out;
}

// √(NM/(N + M)) sup|F_N − G_M|, above 2.2 once in 8,000 times (Kolmogorov-Smirnov); values that differ by rounding
// alone are equal.
double two_sample_gap(std::vector<double> a, std::vector<double> b, double rounding) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const auto n = static_cast<double>(a.size()), m = static_cast<double>(b.size());
  double gap = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double x = std::min(a[i], b[j]) + rounding;
    while (i < a.size() && a[i] <= x) ++i;
    while (j < b.size() && b[j] <= x) ++j;
    gap = std::max(gap, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return std::sqrt(n * m / (n + m)) * gap;
}

std::vector<double> row_of(sampled_errors& errors, int i) {
  return {errors.table.row(i).begin(), errors.table.row(i).end()};
}

std::vector<double> row_of(error_table& table, int i) { return {table.row(i).begin(), table.row(i).end()}; }

double mean_score(const std::vector<double>& a, const std::vector<double>& b) {
  const double spread = std::hypot(reference::standard_error(a), reference::standard_error(b));
  return std::abs(reference::mean(a) - reference::mean(b)) / spread;
}

TEST(bidiagonal, is_distributed_as_wishart_prompts_are) {
  constexpr int prompts = 6'000;
  constexpr double scale = 1.7;
  int compared = 0;
  for (const auto& [d, m] : {shape{20, 60}, {5, 4}, {40, 50}, {30, 12}, {1, 3}}) {
    const covariance sigma(std::vector<double>(static_cast<std::size_t>(d), scale));
    const covariance scalar = covariance::isotropic(d, scale);
    const int columns = baseline_columns(d, m);
    sampled_errors wishart = errors_of(sigma, m, wishart_prompts(sigma, m, some_key), prompts);
    sampled_errors own = errors_of(scalar, m, bidiagonal_prompts(scalar, m, steps, other_key, columns), prompts);
    sampled_errors wrong = errors_of(scalar, m, bidiagonal_prompts(scalar, m + 3, steps, other_key, columns), prompts);
    ASSERT_EQ(own.parameters.size(), wishart.parameters.size());
    double worst = 0;
    for (int row = 0; row < own.table.rows; ++row) {
      const auto r = static_cast<std::size_t>(row);
      if (std::abs(own.parameters[r] - wishart.parameters[r]) > 1e-9 * wishart.parameters[r]) continue;
      ++compared;
      const std::vector<double> a = row_of(own, row), b = row_of(wishart, row);
      const std::string where = std::to_string(d) + ", " + std::to_string(m) + ", row " + std::to_string(row);
      const double rounding = 1e-9 * d;  // below it a chain's or a solver's own
      EXPECT_LT(two_sample_gap(a, b, rounding), 2.4) << where;
      // Of a heavy-tailed error (a chain that diverges in a few prompts) the mean says nothing.
      const bool light = reference::standard_error(a) < 0.05 * reference::mean(a);
      if (light && reference::mean(b) > rounding) {
        EXPECT_LT(mean_score(a, b), 4.5) << where;
      }
      worst = std::max(worst, two_sample_gap(row_of(wrong, row), b, rounding));
    }
    EXPECT_GT(worst, 3) << "the test can tell m = " << m << " from m = " << m + 3;
  }
  EXPECT_GT(compared, 4 * 24) << "of five times 24 rows";
}

// The null vector's tail, where only two of 27 columns are held, is most of it.
TEST(bidiagonal, least_squares_of_the_first_columns_has_its_distribution) {
  constexpr int prompts = 20'000;
  const covariance scalar = covariance::isotropic(30, 1);
  const auto least_squares = [&](int m, int columns, stream_key key) {
    const bidiagonal_prompts source(scalar, m, 1, key, columns);
    const std::vector<const baseline*> chosen{baselines().front()};
    return evaluate_baselines(chosen, {scalar, m, 1}, source, prompts, {}).front().errors.values;
  };
  const std::vector<double> all = least_squares(27, 27, other_key);
  EXPECT_LT(two_sample_gap(least_squares(27, 2, some_key), all, 0), 2.2);
  EXPECT_GT(two_sample_gap(least_squares(26, 2, some_key), all, 0), 3) << "the test can tell m";
}

// E‖w_1 − w‖² = d ((1 − as)² + (as)² (d + 1)/m)
TEST(bidiagonal, has_the_exact_mean_of_one_step) {
  constexpr int prompts = 40'000;
  constexpr double a = 0.4, s = 2;
  for (const auto& [d, m] : {shape{1, 2}, {7, 5}, {300, 100}, {1'000'000, 10'000'000}}) {
    const covariance scalar = covariance::isotropic(d, s);
    matrix map(1, 1);
    map(0, 0) = a;
    error_table errors = evaluate([&](const prompt_lanes& p, matrix& out) { pseudo_newton(map, p, out); }, 2,
                                  bidiagonal_prompts(scalar, m, 1, some_key), prompts, {});
    const std::vector<double> zero = row_of(errors, 0), one = row_of(errors, 1);
    const double expected = d * (std::pow(1 - a * s, 2) + a * a * s * s * (d + 1.0) / m);
    EXPECT_LT(std::abs(reference::mean(zero) - d), 4.5 * reference::standard_error(zero)) << d;
    EXPECT_LT(std::abs(reference::mean(one) - expected), 4.5 * reference::standard_error(one)) << d;
  }
}

// ∫ (1 − λ/γ)^{2k} dμ(λ), by the midpoint rule in θ, λ = 1 + φ − 2 √φ cos θ.
double marchenko_pastur_error(double ratio, double gamma, int k) {
  constexpr int points = 20'000;
  const double pi = std::acos(-1.0);
  double sum = ratio > 1 ? 1 - 1 / ratio : 0;  // of directions without examples
  for (int i = 0; i < points; ++i) {
    const double theta = pi * (i + 0.5) / points;
    const double lambda = 1 + ratio - 2 * std::sqrt(ratio) * std::cos(theta);
    const double density = 2 * std::pow(std::sin(theta), 2) / (pi * lambda);
    sum += std::pow(1 - lambda / gamma, 2 * k) * density * pi / points;
  }
  return sum;
}

TEST(bidiagonal, tends_to_the_marchenko_pastur_law) {
  EXPECT_NEAR(marchenko_pastur_error(0.5, 1, 0), 1, 1e-9);
  EXPECT_NEAR(marchenko_pastur_error(2, 1, 0), 1, 1e-9);
  EXPECT_NEAR(marchenko_pastur_error(0.5, 1.3, 1), std::pow(1 - 1 / 1.3, 2) + 0.5 / 1.69, 1e-9);
  constexpr int d = 4'000'000, most = 30, prompts = 64;
  for (const auto& [ratio, gamma] : {std::pair{0.1, 1.2}, {0.5, 1.4}, {2.0, 3.0}}) {
    const covariance scalar = covariance::isotropic(d, 1);
    matrix map(1, 1);
    map(0, 0) = 1 / gamma;
    error_table errors = evaluate([&](const prompt_lanes& p, matrix& out) { pseudo_newton(map, p, out); }, most + 1,
                                  bidiagonal_prompts(scalar, static_cast<int>(d / ratio), most, some_key), prompts, {});
    for (int k = 0; k <= most; ++k) {
      const std::vector<double> row = row_of(errors, k);
      const double expected = marchenko_pastur_error(ratio, gamma, k);
      // The rest is of order 1/d.
      EXPECT_LT(std::abs(reference::mean(row) / d - expected),
                5 * reference::standard_error(row) / d + 1e-4 * expected + 1e-12)
          << ratio << ", k = " << k;
      EXPECT_LT(reference::standard_error(row) / d, 0.01 * expected + 1e-12);
    }
  }
}

}  // namespace
}  // namespace cotscale
