#include "cotscale/eval/baselines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

enum which : std::uint8_t { least_squares, ridge, gradient_descent, oracle };

constexpr int prompts = 43;
constexpr int steps = 6;

using all_errors = std::vector<baseline_errors>;

std::string_view name_of(std::size_t i) { return baselines()[i]->name; }

struct problem {
  problem(covariance target, int examples) : sigma(std::move(target)), m(examples), source(sigma, m, {5, 7}) {}

  all_errors evaluated(int count = prompts, int k = steps) const {
    return evaluate_baselines(baselines_for(false), {sigma, m, k}, wishart_prompts(sigma, m, {5, 7}), count,
                              std::stop_token());
  }
  // Calls visit(prompt number, Ŝ, w).
  void for_each(int count, const std::function<void(std::size_t, const matrix&, const matrix&)>& visit) const {
    const blas_threads one(1);
    prompt_lanes p;
    for (int i = 0; i < count; ++i) {
      source.draw(static_cast<std::uint64_t>(i / lane_count), p);
      visit(static_cast<std::size_t>(i), gram_of_lane(1.0 / m, p.factor, i % lane_count),
            p.w.block(0, i % lane_count, sigma.dimension(), 1));
    }
  }

  covariance sigma;
  int m;
  wishart_prompts source;
};

covariance rotated(const std::vector<double>& eigenvalues) {
  return {eigenvalues, random_rotation(static_cast<int>(eigenvalues.size()), key_builder("baselines").key())};
}

std::vector<problem> problems() {
  std::vector<problem> out;
  for (const int m : {1, 4, 5, 6, 50}) {
    out.emplace_back(rotated({2, 1.5, 1, 0.4, 0.1}), m);
    out.emplace_back(covariance({2, 1.5, 1, 0.4, 0.1}), m);
  }
  return out;
}

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

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

TEST(baselines, count_their_parameters_in_units_of_the_target) {
  const all_errors here = problem(rotated({2, 1.5, 1, 0.4, 0.1}), 6).evaluated();
  const all_errors there = problem(rotated({2, 1.5, 1, 0.4, 0.1}).scaled(40), 6).evaluated();
  for (std::size_t i = 0; i < here.size(); ++i) {
    EXPECT_EQ(here.at(i).errors.values, there.at(i).errors.values) << name_of(i);
    if (here.at(i).unit == 0) continue;
    EXPECT_EQ(std::ldexp(here.at(i).parameter, 40 * here.at(i).unit), there.at(i).parameter);
  }
}

// ---- chains ----

void expect_chain(const problem& p, error_table& found, const matrix& a) {
  p.for_each(prompts, [&](std::size_t i, const matrix& s, const matrix& w) {
    matrix estimate(5, 1);  // w_0 = 0
    for (int k = 0; k <= steps; ++k) {
      const matrix rest = reference::combination(1, w, -1, estimate);
      const double expected = reference::squared_norm(rest);
      EXPECT_NEAR(found.row(k)[i], expected, 1e-10 * std::max(expected, reference::squared_norm(w)))
          << "m = " << p.m << ", k = " << k;
      estimate = reference::combination(1, estimate, 1, reference::product(a, reference::product(s, rest)));
    }
  });
}

TEST(gradient_descent, takes_steps_of_the_size_that_it_names) {
  for (const problem& p : problems()) {
    all_errors b = p.evaluated();
    const double size = b.at(gradient_descent).parameter;
    expect_chain(p, b.at(gradient_descent).errors, matrix::diagonal(std::vector<double>(5, size)));
  }
}

TEST(oracle, is_preconditioned_with_the_inverse_of_the_target) {
  for (const problem& p : problems()) {
    all_errors b = p.evaluated();
    expect_chain(p, b.at(oracle).errors, reference::inverse(p.sigma.values()));
  }
  for (const int m : {3, 20}) {
    const problem singular(rotated({2, 0, 1, 0.4, 0}), m);
    all_errors b = singular.evaluated();
    expect_chain(singular, b.at(oracle).errors, pseudo_inverse(singular.sigma.values(), 1e-10));
  }
}

// Mean error at k = K of gradient descent for each step size.
std::vector<double> descent_errors(const problem& p, int count, int k, const std::vector<double>& sizes) {
  const lane_errors chains = [&](const prompt_lanes& lanes, matrix& errors) {
    matrix u, gram_u, scratch;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      u = lanes.w;
      for (int step = 0; step < k; ++step) {
        multiply_covariance(lanes, u, scratch, gram_u);
        u = combination(1, u, -sizes[i], gram_u);
      }
      for (int lane = 0; lane < lane_count; ++lane) {
        errors(static_cast<int>(i), lane) = reference::squared_norm(u.block(0, lane, u.rows(), 1));
      }
    }
  };
  error_table table = evaluate(chains, static_cast<int>(sizes.size()), p.source, count, std::stop_token());
  std::vector<double> out;
  for (int i = 0; i < table.rows; ++i) {
    const double error = mean(table.row(i));
    out.push_back(std::isfinite(error) ? error : std::numeric_limits<double>::infinity());
  }
  return out;
}

std::vector<double> spectrum(int d, double exponent) {
  std::vector<double> values;
  for (int j = 1; j <= d; ++j) values.push_back(std::pow(j, -exponent));
  return values;
}

// Beyond its best the error can rise steeply, so that a grid which is too coarse takes a step far below it.
TEST(gradient_descent, has_the_best_step_size_to_within_12_percent) {
  constexpr int count = 120;
  for (const int d : {1, 3, 6}) {
    for (const double exponent : {0.0, 1.0}) {
      for (const int m : {1, d, 4 * d, 100 * d}) {
        for (const int k : {1, 3, 10, 30}) {
          const problem p(covariance(spectrum(d, exponent)), m);
          const double size = p.evaluated(count, k).at(gradient_descent).parameter;
          std::vector<double> sizes;  // in steps of 4 %, from 0.3 to 3.3 times the size
          for (int i = -30; i <= 30; ++i) sizes.push_back(size * std::pow(1.04, i));
          const std::vector<double> errors = descent_errors(p, count, k, sizes);
          const auto least = std::min_element(errors.begin(), errors.end());
          const double best = sizes.at(static_cast<std::size_t>(least - errors.begin()));
          EXPECT_LT(std::abs(std::log(best / size)), std::log(1.125) + std::log(1.04) / 2)
              << "d " << d << ", exponent " << exponent << ", m " << m << ", k " << k << ": " << size << ", best "
              << best << ", errors " << errors.at(30) << ", " << *least;
        }
      }
    }
  }
}

// ---- all of them ----

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

}  // namespace
}  // namespace cotscale
