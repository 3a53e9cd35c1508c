// Baselines that take steps: gradient descent and the oracle.
#include "cotscale/eval/baselines.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stop_token>
#include <vector>

#include "cotscale/linalg/lapack.hpp"
#include "reference/matrix.hpp"
#include "unit/eval/baseline_problems.hpp"

namespace cotscale {
namespace {

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

}  // namespace
}  // namespace cotscale
