#include "cotscale/theory/null_distribution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <stop_token>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/wishart.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

const std::stop_token never;

stream_key key(std::string_view name) { return key_builder(name).key(); }

covariance rotated() { return {{2.0, 1.0, 0.5}, random_rotation(3, key("test rotation"))}; }

null_distribution simulate(const covariance& sigma, int n, int m, int steps, int draws, std::string_view name) {
  return simulate_null(trained_preconditioner(sigma, n), null_prompts(sigma, m, draws, key(name)), steps, never);
}

// Iterates A = Γ⁻¹ on dense matrices; r_k of every draw.
std::vector<std::vector<double>> plainly(const covariance& sigma, int n, int m, int steps, int draws,
                                         std::string_view name) {
  const matrix a = trained_preconditioner(sigma, n);
  const wishart_source source(task_mixture(sigma), m, key(name));
  std::vector<std::vector<double>> out(static_cast<std::size_t>(steps) + 1);
  prompt_lanes p;
  for (int i = 0; i < draws; ++i) {
    if (i % lane_count == 0) source.draw(static_cast<std::uint64_t>(i / lane_count), p);
    const matrix gram = gram_of_lane(1.0 / m, p.factor, i % lane_count);
    const matrix step = combination(1, matrix::identity(gram.rows()), -1, product(a, gram));
    matrix u = p.w.block(0, i % lane_count, gram.rows(), 1);
    const double start = std::pow(frobenius_norm(u), 2);
    for (auto& row : out) {
      row.push_back(std::pow(frobenius_norm(u), 2) / start);
      u = product(step, u);
    }
  }
  return out;
}

TEST(null_distribution, has_the_moments_of_plain_iteration) {
  for (const int m : {2, 7}) {
    SCOPED_TRACE(m);
    constexpr int draws = 64;
    const null_distribution null = simulate(rotated(), 9, m, 5, draws, "plain");
    const auto r = plainly(rotated(), 9, m, 5, draws, "plain");
    ASSERT_EQ(null.draws, draws);
    ASSERT_EQ(null.steps.size(), 3U) << "k = 1, 2, 4";
    double second = 0, third = 0;
    for (const double x : r[1]) second += std::pow(x - null.mean, 2) / draws;
    for (const double x : r[1]) third += std::pow(x - null.mean, 3) / draws;
    EXPECT_NEAR(null.deviation, std::sqrt(second), 1e-12 * null.deviation);
    EXPECT_NEAR(null.skewness, third / std::pow(second, 1.5), 1e-11 * std::abs(null.skewness));
    for (const null_distribution::step& step : null.steps) {
      const auto& row = r[static_cast<std::size_t>(step.k)];
      double mean = 0;
      std::size_t below = 0;
      for (const double x : row) mean += x / (x + step.centre) / draws;
      for (const double x : row) below += x < step.centre * (1 - 1e-12) ? 1 : 0;
      EXPECT_NEAR(step.mean, mean, 1e-12);
      EXPECT_EQ(below, draws / 2U) << "the centre is the median";
    }
  }
}

TEST(null_distribution, is_centred_at_the_exact_expectation) {
  const null_distribution null = simulate(rotated(), 9, 5, 1, 20'000, "expectation");
  EXPECT_DOUBLE_EQ(null.mean, one_step_error(trained_preconditioner(rotated(), 9), rotated(), 5) / 3);
  const auto r = plainly(rotated(), 9, 5, 1, 20'000, "expectation");
  double mean = 0;
  for (const double x : r[1]) mean += x / 20'000;
  EXPECT_NEAR(mean, null.mean, 4 * null.deviation / std::sqrt(20'000));
}

TEST(null_distribution, does_not_depend_on_threads_and_on_what_is_kept) {
  const covariance sigma(std::vector<double>(40, 1.0));
  const null_distribution few = simulate(sigma, 30, 60, 2, 800, "threads");
  const support::thread_scope scope(3);
  const null_distribution again = simulate(sigma, 30, 60, 2, 800, "threads");
  EXPECT_EQ(few.deviation, again.deviation);
  EXPECT_EQ(few.steps[1].mean, again.steps[1].mean);
  // Too many to be kept, they are drawn again for each preconditioner; the first ones are the same.
  const null_prompts kept(sigma, 60, 800, key("threads")), large(sigma, 60, 8000, key("threads"));
  prompt_lanes scratch, other;
  EXPECT_NE(&kept.block(3, scratch), &scratch);
  EXPECT_EQ(&large.block(3, other), &other);
  EXPECT_EQ(kept.block(3, scratch).factor.packed, other.factor.packed);
}

TEST(null_distribution, leaves_out_what_has_no_median) {
  const covariance sigma(std::vector<double>{1.0, 1.0});
  const null_prompts prompts(sigma, 4, 64, key("median"));
  const null_distribution diverging = simulate_null(matrix(2, 2, 1e80), prompts, 8, never);
  ASSERT_EQ(diverging.steps.size(), 1U);
  EXPECT_EQ(diverging.steps[0].k, 1) << "the errors of k = 2 are above 1e308";
  EXPECT_TRUE(simulate_null(matrix(2, 2), prompts, 0, never).steps.empty());
  EXPECT_LT(simulate_null(matrix(2, 2), prompts, 1, never).deviation, 1e-15) << "no step is taken";
}

TEST(null_distribution, stops_when_asked) {
  std::stop_source source;
  source.request_stop();
  const null_prompts prompts(rotated(), 4, 64, key("stop"));
  EXPECT_THROW(simulate_null(matrix(3, 3), prompts, 1, source.get_token()), stopped);
  EXPECT_THROW(null_prompts(rotated(), 4, 0, key("stop")), precondition_error);
}

TEST(null_draws, are_many_for_few_prompts_and_few_for_many) {
  EXPECT_EQ(null_draws(4, 2), 512);
  EXPECT_EQ(null_draws(2, 64), 1024);
  EXPECT_EQ(null_draws(4, 2000), 8192);
  EXPECT_EQ(null_draws(4, 20'000), 8192);
  EXPECT_EQ(null_draws(4, 100'000), 12'504);
  EXPECT_EQ(null_draws(4, 2'000'000'000), 65'536);
  EXPECT_EQ(null_draws(100, 2000), 256) << "an eighth of the prompts";
  EXPECT_EQ(null_draws(100, 200), 128);
  EXPECT_EQ(null_draws(2000, 50), 128);
  for (const int d : {1, 3, 50, 20'000}) {
    for (const int prompts : {1, 77, 10'003}) EXPECT_EQ(null_draws(d, prompts) % lane_count, 0);
  }
}

// R: qnorm(pchisq(c(2.5, 31.2), c(6, 24))) is −1.1192, 1.0446.
TEST(start_score, is_the_normal_quantile_of_chi_square) {
  EXPECT_NEAR(start_score(2.5 / 3, 2, 3), -1.1192, 0.01);
  EXPECT_NEAR(start_score(31.2 / 6, 4, 6), 1.0446, 0.01);
}

TEST(exact_score, is_that_of_a_shifted_chi_square) {
  // r ~ χ²₈/8: skewness 1, mean 1, deviation 1/2; the mean of 1000 is χ²₈₀₀₀/8000.
  null_distribution null;
  null.draws = 1'000'000'000;
  null.mean = 1;
  null.deviation = 0.5;
  null.skewness = 1;
  null.kurtosis = 4.5;
  for (const double x : {7500.0, 7900.0, 8000.0, 8350.0, 8500.0}) {
    EXPECT_NEAR(exact_score(null, x / 8000, 1000, 0), start_score(x / 2000, 4, 2000), 1e-3) << x;
  }
  EXPECT_EQ(exact_score(null, 1.05, 1000, 0.05), exact_score(null, 1, 1000, 0)) << "a difference that is allowed";
  EXPECT_LT(exact_score(null, 1.10, 1000, 0.05), exact_score(null, 1.10, 1000, 0));
  EXPECT_TRUE(std::isnan(exact_score(null, 1, 999, 0))) << "too few";
  for (const int prompts : {5, 1000}) {
    EXPECT_EQ(exact_score(null, std::numeric_limits<double>::infinity(), prompts, 0),
              std::numeric_limits<double>::infinity());
  }
  null.draws = 1000;
  EXPECT_LT(exact_score(null, 1.06, 1000, 0), 0.999 * start_score(4 * 1.06, 4, 2000)) << "the deviation is an estimate";
  null.skewness = 8;
  EXPECT_TRUE(std::isnan(exact_score(null, 1, 1000, 0))) << "too skewed";
  null.skewness = 1;
  null.deviation = 0;
  EXPECT_TRUE(std::isnan(exact_score(null, 1, 1000, 0)));
}

TEST(simulated_score, counts_the_chance_of_prompts_and_of_draws) {
  null_distribution null;
  null.draws = 400;
  const null_distribution::step step{.k = 2, .centre = 1, .mean = 0.5, .deviation = 0.3};
  EXPECT_NEAR(simulated_score(null, step, 0.53, 100), 0.03 / (0.3 * std::sqrt(1 / 100.0 + 1 / 400.0)), 1e-12);
  EXPECT_EQ(bounded_score(3, 1), 0.75);
  EXPECT_EQ(bounded_score(0, 1), 0);
  EXPECT_EQ(bounded_score(std::numeric_limits<double>::infinity(), 1), 1);
}

}  // namespace
}  // namespace cotscale
