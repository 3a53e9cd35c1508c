#include "cotscale/eval/baselines.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stop_token>
#include <utility>
#include <vector>

#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "reference/matrix.hpp"
#include "support/threads.hpp"
#include "unit/eval/baseline_problems.hpp"

namespace cotscale {
namespace {

TEST(baselines, have_a_row_for_every_step_or_one) {
  const all_errors b = problems().front().evaluated();
  EXPECT_EQ(name_of(oracle), "oracle");
  for (const auto& [name, rows] :
       {std::pair(least_squares, 1), {ridge, 1}, {gradient_descent, steps + 1}, {oracle, steps + 1}}) {
    EXPECT_EQ(b.at(name).errors.rows, rows) << name_of(name);
    EXPECT_EQ(b.at(name).errors.prompts, prompts);
    EXPECT_EQ(b.at(name).errors.values.size(), static_cast<std::size_t>(rows * prompts));
  }
  EXPECT_TRUE(std::isnan(b.at(least_squares).parameter));
  EXPECT_TRUE(std::isnan(b.at(oracle).parameter));
}

TEST(baselines, count_their_parameters_in_units_of_the_target) {
  const all_errors here = problem(rotated({2, 1.5, 1, 0.4, 0.1}), 6).evaluated();
  const all_errors there = problem(rotated({2, 1.5, 1, 0.4, 0.1}).scaled(40), 6).evaluated();
  for (std::size_t i = 0; i < here.size(); ++i) {
    EXPECT_EQ(here.at(i).errors.values, there.at(i).errors.values) << name_of(i);
    if (here.at(i).unit == 0) continue;
    EXPECT_EQ(std::ldexp(here.at(i).parameter, 40 * here.at(i).unit), there.at(i).parameter);
  }
}

TEST(baselines, do_not_depend_on_threads) {
  const problem p(rotated({2, 1.5, 1, 0.4, 0.1}), 6);
  const all_errors expected = p.evaluated(97);
  const support::thread_scope scope(3);
  const all_errors found = p.evaluated(97);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found.at(i).errors.values, expected.at(i).errors.values) << name_of(i);
  }
}

TEST(baselines, without_steps_leave_the_weight) {
  all_errors b = problems().front().evaluated(prompts, 0);
  for (const which name : {gradient_descent, oracle}) {
    EXPECT_EQ(b.at(name).errors.rows, 1);
    problems().front().for_each(prompts, [&](std::size_t i, const matrix&, const matrix& w) {
      EXPECT_DOUBLE_EQ(b.at(name).errors.row(0)[i], reference::squared_norm(w));
    });
  }
}

TEST(baselines, stop_when_asked) {
  std::stop_source stop;
  stop.request_stop();
  const problem p(covariance({1, 1}), 3);
  EXPECT_THROW(evaluate_baselines(baselines_for(false), {p.sigma, 3, 1}, p.source, 8, stop.get_token()), stopped);
}

// ---- least squares ----

// w − Ŝ⁺Ŝ w, for any Ŝ.
void expect_least_squares(const problem& p) {
  all_errors b = p.evaluated();
  double gap = 0;
  p.for_each(prompts, [&](std::size_t i, const matrix& s, const matrix& w) {
    const matrix estimate = reference::product(reference::product(pseudo_inverse(s, 1e-11), s), w);
    const double expected = reference::squared_norm(reference::combination(1, w, -1, estimate));
    gap = std::max(gap, std::abs(b.at(least_squares).errors.row(0)[i] - expected) / reference::squared_norm(w));
  });
  EXPECT_LT(gap, 1e-6) << "m = " << p.m << ", Λ₀₁ = " << p.sigma.values()(0, 1);
}

TEST(least_squares, leaves_what_the_examples_do_not_span) {
  for (const problem& p : problems()) {
    expect_least_squares(p);
    if (p.m < 5) continue;
    const all_errors b = p.evaluated();
    for (const double error : b.at(least_squares).errors.values) EXPECT_LT(error, 1e-12) << "m ≥ d";
  }
}

TEST(least_squares, leaves_what_a_singular_target_never_shows) {
  for (const covariance& sigma : {rotated({2, 0, 1, 0.4, 0}), covariance({2, 0, 1, 0.4, 0})}) {
    for (const int m : {1, 2, 3, 4, 5, 6, 50}) expect_least_squares({sigma, m});
  }
}

TEST(least_squares, of_explicit_prompts_is_the_same) {
  for (const covariance& sigma : {rotated({2, 1.5, 1, 0.4, 0.1}), rotated({2, 0, 1, 0.4, 0})}) {
    for (const int m : {2, 5, 20}) {
      const prompt_source source(sigma, m, {5, 7});
      all_errors b = evaluate_baselines(baselines_for(false), {sigma, m, steps}, explicit_prompts(source), prompts,
                                        std::stop_token());
      double gap = 0;
      for (std::size_t i = 0; i < prompts; ++i) {
        prompt p;
        source.draw(i, p);
        matrix w(5, 1);
        std::copy(p.w.begin(), p.w.end(), w.data());
        const matrix estimate = reference::product(p.x, reference::product(pseudo_inverse(p.x, 1e-9), w));
        const double expected = reference::squared_norm(reference::combination(1, w, -1, estimate));
        gap = std::max(gap, std::abs(b.at(least_squares).errors.row(0)[i] - expected) / reference::squared_norm(w));
      }
      EXPECT_LT(gap, 1e-6) << "m = " << m;
    }
  }
}

// ---- ridge ----

TEST(ridge, inverts_with_the_penalty_that_it_names) {
  for (const problem& p : problems()) {
    all_errors b = p.evaluated();
    const double penalty = b.at(ridge).parameter;
    p.for_each(prompts, [&](std::size_t i, const matrix& s, const matrix& w) {
      const matrix shifted = reference::combination(1, s, penalty, matrix::identity(5));
      const matrix estimate = reference::product(reference::inverse(shifted), reference::product(s, w));
      const double expected = reference::squared_norm(reference::combination(1, w, -1, estimate));
      EXPECT_NEAR(b.at(ridge).errors.row(0)[i], expected, 1e-7 * reference::squared_norm(w)) << "m = " << p.m;
    });
  }
}

// Without noise a smaller penalty is better, and the answer says that it is at the edge; with m < d, where most of the
// error is what no example shows, the smallest ones are equal up to rounding.
TEST(ridge, takes_the_smallest_penalty_of_its_range_without_noise) {
  for (const problem& p : problems()) {
    const all_errors b = p.evaluated();
    const double relative = b.at(ridge).parameter / (1e-6 * 0.1);  // of the least eigenvalue
    EXPECT_EQ(b.at(ridge).edge, std::abs(relative - 1) < 1e-12 ? edge_of_grid::at : edge_of_grid::inside);
    EXPECT_EQ(b.at(oracle).edge, edge_of_grid::none);
    if (p.m >= 5) {
      EXPECT_NEAR(relative, 1, 1e-12) << "m = " << p.m;
    } else {
      EXPECT_LT(relative, 101) << "m = " << p.m;
    }
  }
}

// Examples without noise determine w, whatever the spectrum, and in any basis.
TEST(ridge, and_least_squares_find_the_weight_at_any_hardness) {
  for (const double least : {1e-6, 1e-10, 1e-14, 1e-20}) {
    const std::vector<double> eigenvalues{least, 1, std::sqrt(least), 2, 0.5};
    for (const covariance& sigma : {rotated(eigenvalues), covariance(eigenvalues)}) {
      for (const int m : {5, 60}) {
        const all_errors b = problem(sigma, m).evaluated(203, 1);
        for (const double error : b.at(least_squares).errors.values) EXPECT_LT(error, 1e-13) << least << ", m " << m;
        const double ridge_error = mean(b.at(ridge).errors.values);
        EXPECT_LT(ridge_error, m == 5 ? 0.05 : 1e-9) << least << ", m " << m;  // with m = d an Ŝ may be nearly singular
      }
    }
  }
}

}  // namespace
}  // namespace cotscale
