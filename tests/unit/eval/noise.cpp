// Baselines on labels with noise, and on features that repeat themselves, against explicit formulas.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "cotscale/eval/baselines.hpp"
#include "cotscale/eval/statistics.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "reference/matrix.hpp"
#include "support/distributions.hpp"

namespace cotscale {
namespace {

constexpr int d = 4, prompts = 40, steps = 5;
enum which : std::uint8_t { least_squares, ridge, gradient_descent, oracle, ridge_noise };

double squared_distance(const matrix& a, const std::vector<double>& b) {
  double sum = 0;
  for (int i = 0; i < a.rows(); ++i) sum += std::pow(a(i, 0) - b[static_cast<std::size_t>(i)], 2);
  return sum;
}

// (Ŝ + pI)⁻¹ Xy/m, or Ŝ⁺ Xy/m for p = 0.
matrix ridge_estimate(const prompt& p, double penalty) {
  const int m = p.x.columns();
  matrix y(m, 1);
  std::copy(p.y.begin(), p.y.end(), y.data());
  const matrix gram = reference::combination(1, reference::gram(1.0 / m, p.x), penalty, matrix::identity(d));
  return reference::product(symmetric_pseudo_inverse(gram, 1e-12),
                            reference::combination(1.0 / m, reference::product(p.x, y), 0, matrix(d, 1)));
}

matrix descended(const prompt& p, const matrix& a) {
  const int m = p.x.columns();
  matrix y(m, 1), w(d, 1);
  std::copy(p.y.begin(), p.y.end(), y.data());
  for (int k = 0; k < steps; ++k) {
    const matrix rest = reference::combination(1, y, -1, reference::product(reference::transposed(p.x), w));
    w = reference::combination(1, w, 1.0 / m, reference::product(a, reference::product(p.x, rest)));
  }
  return w;
}

TEST(baselines_on_noise, are_what_their_formulas_say) {
  for (const auto& [name, test] : support::all_distributions(d, 0.4)) {
    for (const int m : {2, 4, 11}) {
      const prompt_source source(test, m, {5, 6});
      auto all = evaluate_baselines(baselines_for(true), {test, m, steps}, explicit_prompts(source), prompts, {});
      ASSERT_EQ(all.size(), 5U);
      EXPECT_DOUBLE_EQ(all[ridge_noise].parameter, 0.4 / m);
      const matrix inverse = test.lambda.apply([](double l) { return 1 / l; });
      const matrix size =
          matrix::diagonal(std::vector<double>(static_cast<std::size_t>(d), all[gradient_descent].parameter));
      for (std::size_t i = 0; i < prompts; ++i) {
        prompt p;
        source.draw(i, p);
        const auto expect = [&](which b, int row, const matrix& estimate) {
          const double expected = squared_distance(estimate, p.w);
          EXPECT_NEAR(all[b].errors.row(row)[i], expected, 1e-7 * (1 + expected))
              << name << ", m = " << m << ", " << +b;
        };
        expect(least_squares, 0, ridge_estimate(p, 0));
        expect(ridge, 0, ridge_estimate(p, all[ridge].parameter));
        expect(gradient_descent, steps, descended(p, size));
        expect(oracle, steps, descended(p, inverse));
        expect(ridge_noise, 0, ridge_estimate(p, 0.4 / m));
      }
    }
  }
}

TEST(baselines_on_noise, have_a_best_one_for_gaussian_weights) {
  const prompt_distribution test(support::some_covariance(d), gaussian_features(), 0.8);
  auto all = evaluate_baselines(baselines_for(true), {test, 6, steps}, wishart_prompts(test, 6, {5, 6}), 4000, {});
  const auto mean = [&](which b, int row) { return summarise(all[b].errors.row(row)).mean; };
  const double best = mean(ridge_noise, 0);
  EXPECT_LT(best, mean(least_squares, 0));
  EXPECT_LT(best, mean(ridge, 0) * 1.001);
  EXPECT_LT(best, mean(gradient_descent, steps));
  EXPECT_GT(all[ridge].parameter, 1e-3) << "noise wants a penalty";
}

TEST(baselines_on_noise, need_it_or_not) {
  EXPECT_EQ(baselines_for(false).size(), 4U);
  EXPECT_EQ(baselines_for(true).back()->name, "ridge_noise");
  const prompt_distribution plain(support::some_covariance(d));
  const auto all =
      evaluate_baselines(baselines_for(true), {plain, 3, steps}, wishart_prompts(plain, 3, {5, 6}), prompts, {});
  EXPECT_EQ(all[ridge_noise].errors.values, all[least_squares].errors.values) << "without noise";
}

}  // namespace
}  // namespace cotscale
