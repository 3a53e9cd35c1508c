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
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

enum which : std::uint8_t { least_squares, ridge, gradient_descent, oracle };

constexpr int prompts = 43;
constexpr int steps = 6;

using baselines = std::array<baseline_errors, baseline_names.size()>;

struct problem {
  problem(covariance target, int examples) : sigma(std::move(target)), m(examples), source(sigma, m, {5, 7}) {}

  baselines evaluated(int count = prompts, int k = steps) const {
    return evaluate_baselines(sigma, m, wishart_prompts(sigma, m, {5, 7}), count, k, std::stop_token());
  }
  // Calls visit(prompt number, Ŝ, w).
  void for_each(int count, const std::function<void(std::size_t, const matrix&, const matrix&)>& visit) const {
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
  const baselines b = problems().front().evaluated();
  EXPECT_EQ(baseline_names.at(oracle), "oracle");
  for (const auto& [name, rows] : {std::pair(least_squares, 1), {ridge, 1}, {gradient_descent, steps + 1},
                                   {oracle, steps + 1}}) {
    EXPECT_EQ(b.at(name).errors.rows, rows) << baseline_names.at(name);
    EXPECT_EQ(b.at(name).errors.prompts, prompts);
    EXPECT_EQ(b.at(name).errors.values.size(), static_cast<std::size_t>(rows * prompts));
  }
  EXPECT_TRUE(std::isnan(b.at(least_squares).parameter));
  EXPECT_TRUE(std::isnan(b.at(oracle).parameter));
}

// ---- least squares ----

// w − Ŝ⁺Ŝ w, for any Ŝ.
void expect_least_squares(const problem& p) {
  baselines b = p.evaluated();
  p.for_each(prompts, [&](std::size_t i, const matrix& s, const matrix& w) {
    const matrix estimate = reference::product(reference::product(pseudo_inverse(s, 1e-11), s), w);
    const double expected = reference::squared_norm(reference::combination(1, w, -1, estimate));
    EXPECT_NEAR(b.at(least_squares).errors.row(0)[i], expected, 1e-6 * reference::squared_norm(w))
        << "m = " << p.m << ", prompt " << i;
  });
}

TEST(least_squares, leaves_what_the_examples_do_not_span) {
  for (const problem& p : problems()) {
    expect_least_squares(p);
    if (p.m < 5) continue;
    const baselines b = p.evaluated();
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
      baselines b =
          evaluate_baselines(sigma, m, explicit_prompts(source), prompts, steps, std::stop_token());
      for (std::size_t i = 0; i < prompts; ++i) {
        prompt p;
        source.draw(i, p);
        matrix w(5, 1);
        std::copy(p.w.begin(), p.w.end(), w.data());
        const matrix estimate = reference::product(p.x, reference::product(pseudo_inverse(p.x, 1e-9), w));
        const double expected = reference::squared_norm(reference::combination(1, w, -1, estimate));
        EXPECT_NEAR(b.at(least_squares).errors.row(0)[i], expected, 1e-6 * reference::squared_norm(w)) << m;
      }
    }
  }
}

// ---- ridge ----

TEST(ridge, inverts_with_the_penalty_that_it_names) {
  for (const problem& p : problems()) {
    baselines b = p.evaluated();
    const double penalty = b.at(ridge).parameter;
    p.for_each(prompts, [&](std::size_t i, const matrix& s, const matrix& w) {
      const matrix shifted = reference::combination(1, s, penalty, matrix::identity(5));
      const matrix estimate = reference::product(reference::inverse(shifted), reference::product(s, w));
      const double expected = reference::squared_norm(reference::combination(1, w, -1, estimate));
      EXPECT_NEAR(b.at(ridge).errors.row(0)[i], expected, 1e-7 * reference::squared_norm(w)) << "m = " << p.m;
    });
  }
}

TEST(ridge, takes_the_smallest_penalty_of_its_range_without_noise) {
  for (const problem& p : problems()) {
    EXPECT_NEAR(p.evaluated().at(ridge).parameter / (1e-6 * p.sigma.trace() / 5), 1, 1e-12) << "m = " << p.m;
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
    baselines b = p.evaluated();
    const double size = b.at(gradient_descent).parameter;
    expect_chain(p, b.at(gradient_descent).errors, matrix::diagonal(std::vector<double>(5, size)));
  }
}

TEST(oracle, is_preconditioned_with_the_inverse_of_the_target) {
  for (const problem& p : problems()) {
    baselines b = p.evaluated();
    expect_chain(p, b.at(oracle).errors, reference::inverse(p.sigma.values()));
  }
  for (const int m : {3, 20}) {
    const problem singular(rotated({2, 0, 1, 0.4, 0}), m);
    baselines b = singular.evaluated();
    expect_chain(singular, b.at(oracle).errors, pseudo_inverse(singular.sigma.values(), 1e-10));
  }
}

// Mean error at k = K of gradient descent with the given step size.
double descent_error(const problem& p, int count, int k, double size) {
  const matrix a = matrix::diagonal(std::vector<double>(static_cast<std::size_t>(p.sigma.dimension()), size));
  const lane_errors chain = [&](const prompt_lanes& lanes, matrix& errors) { pseudo_newton(a, lanes, errors); };
  error_table table = evaluate(chain, k + 1, p.source, count, std::stop_token());
  const double error = mean(table.row(k));
  return std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
}

std::vector<double> spectrum(int d, double exponent) {
  std::vector<double> values;
  for (int j = 1; j <= d; ++j) values.push_back(std::pow(j, -exponent));
  return values;
}

TEST(gradient_descent, has_the_best_step_size_to_within_12_percent) {
  constexpr int count = 400;
  for (const int d : {1, 3, 10}) {
    for (const double exponent : {0.0, 1.0}) {
      for (const int m : {1, d, 4 * d, 100 * d}) {
        for (const int k : {1, 3, 10, 30}) {
          const problem p(covariance(spectrum(d, exponent)), m);
          const double size = p.evaluated(count, k).at(gradient_descent).parameter;
          // The best of steps of 2 %, from 0.3 to 3.3 times the size.
          double best = 0;
          double least = std::numeric_limits<double>::infinity();
          for (int i = -60; i <= 60; ++i) {
            const double tried = size * std::pow(1.02, i);
            if (const double error = descent_error(p, count, k, tried); error < least) {
              least = error;
              best = tried;
            }
          }
          EXPECT_LT(std::abs(std::log(best / size)), std::log(1.125) + std::log(1.02))
              << "d " << d << ", exponent " << exponent << ", m " << m << ", k " << k << ": " << size << ", best "
              << best << ", errors " << descent_error(p, count, k, size) << ", " << least;
        }
      }
    }
  }
}

// ---- all of them ----

TEST(baselines, do_not_depend_on_threads) {
  const problem p(rotated({2, 1.5, 1, 0.4, 0.1}), 6);
  const baselines expected = p.evaluated(97);
  const support::thread_scope scope(3);
  const baselines found = p.evaluated(97);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found.at(i).errors.values, expected.at(i).errors.values) << baseline_names.at(i);
  }
}

TEST(baselines, without_steps_leave_the_weight) {
  baselines b = problems().front().evaluated(prompts, 0);
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
  EXPECT_THROW(evaluate_baselines(p.sigma, 3, p.source, 8, 1, stop.get_token()), stopped);
}

}  // namespace
}  // namespace cotscale
