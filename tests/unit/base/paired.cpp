#include "cotscale/base/paired.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/random.hpp"

namespace cotscale {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
using table = std::vector<std::vector<double>>;

std::vector<paired_difference> compare(const table& values, int best) {
  const std::vector<std::span<const double>> rows(values.begin(), values.end());
  return paired_differences(rows, best);
}

std::vector<double> normals(std::size_t count, const char* name) {
  std::vector<double> out(count);
  fill_normal(key_builder(name).key(), 0, out);
  return out;
}

TEST(paired_differences, can_be_done_by_hand) {
  // Differences 1, 2, 3, 2: mean 2, variance 2/3, standard error √(1/6).
  const auto d = compare({{1, 1, 1, 1}, {2, 3, 4, 3}}, 0);
  EXPECT_EQ(d[0].mean, 0);
  EXPECT_EQ(d[0].z, infinity);
  EXPECT_DOUBLE_EQ(d[1].mean, 2);
  EXPECT_DOUBLE_EQ(d[1].standard_error, std::sqrt(1.0 / 6));
  EXPECT_DOUBLE_EQ(d[1].z, 2 / std::sqrt(1.0 / 6));
}

TEST(paired_differences, are_of_the_same_draws) {
  // What the draws have in common does not count: the two differ by far less than their own spread.
  const std::vector<double> common = normals(400, "common"), own = normals(400, "own");
  table values{common, common};
  for (std::size_t i = 0; i < common.size(); ++i) values[1][i] += 0.02 + 0.01 * own[i];
  EXPECT_NEAR(compare(values, 0)[1].standard_error, 0.01 / 20, 1e-4);
  EXPECT_GT(compare(values, 0)[1].z, 20);
}

TEST(paired_differences, do_not_depend_on_scale) {
  table values{normals(50, "a"), normals(50, "b")};
  const auto expected = compare(values, 0);
  for (const double scale : {1e-300, 1e160, 1e300}) {
    table scaled = values;
    for (auto& row : scaled) {
      for (double& x : row) x *= scale;
    }
    const auto found = compare(scaled, 0);
    EXPECT_NEAR(found[1].z / expected[1].z, 1, 1e-9) << scale;
    EXPECT_NEAR(found[1].standard_error / scale / expected[1].standard_error, 1, 1e-9) << scale;
  }
}

// A mean that a few draws rule has z ≈ 1; cut off, it shows what it must be at least.
TEST(paired_differences, see_through_heavy_tails) {
  std::vector<double> bulk = normals(2000, "bulk");
  table values{std::vector<double>(2000, 1.0), std::vector<double>(2000, 0.5)};
  for (std::size_t i = 0; i < 80; ++i) values[1][i * 25] = std::exp(4 + 3 * bulk[i]);
  const auto d = compare(values, 0);
  EXPECT_LT(d[1].mean / d[1].standard_error, 3) << "or the test does not show what it is for";
  EXPECT_GT(d[1].z, told_apart(2000));
  // Nothing is cut off from below: there a rare draw speaks against the difference.
  for (auto& row : values) {
    for (double& x : row) x = -x;
  }
  EXPECT_LT(compare(values, 0)[1].z, 0);
}

TEST(paired_differences, take_what_overflows_for_worse_and_what_is_equal_for_no_better) {
  const auto d = compare({{1, 2, 3}, {1, infinity, 3}, {1, 2, 3}, {2, 3, 4}}, 0);
  EXPECT_EQ(d[1].z, infinity);
  EXPECT_EQ(d[1].standard_error, infinity);
  EXPECT_EQ(d[2].z, infinity);
  EXPECT_EQ(d[3].z, infinity) << "worse by 1 in every draw";
  EXPECT_EQ(compare({{1}, {2}}, 0)[1].z, 0) << "a single draw tells nothing";
  EXPECT_THROW(compare({{1}, {2}}, 2), precondition_error);
  EXPECT_THROW(compare({{1}, {2, 3}}, 0), precondition_error);
}

TEST(told_apart, needs_four_standard_errors_and_more_of_few_draws) {
  EXPECT_NEAR(told_apart(100'000), 4, 1e-3);
  EXPECT_NEAR(told_apart(31), 4.63, 0.02) << "Student's t, 30 degrees of freedom, p = 6.33e-5: 4.634";
  EXPECT_NEAR(told_apart(11), 6.33, 0.2) << "10 degrees of freedom: 6.48";
  EXPECT_EQ(told_apart(1), infinity);
}

TEST(not_told_apart, is_an_interval_around_the_best) {
  const auto d = [](double z) { return paired_difference{.mean = 1, .standard_error = 1, .z = z}; };
  const std::vector<paired_difference> differences{d(9), d(3), d(5), d(infinity), d(2), d(6)};
  const alternatives range = not_told_apart(differences, 3, 10'000);
  EXPECT_EQ(range.first, 1);
  EXPECT_EQ(range.last, 4);
}

// Of alternatives that are the same in expectation, the wrong one is told apart less than once in a thousand times.
TEST(not_told_apart, is_right_about_what_is_equal) {
  int wrong = 0;
  constexpr int trials = 2000;
  for (int trial = 0; trial < trials; ++trial) {
    table values(2, std::vector<double>(100));
    const stream_key key = key_builder("equal").add(trial).key();
    fill_normal(key, 0, values[0]);
    fill_normal(key, 1, values[1]);
    for (auto& row : values) {
      for (double& x : row) x = std::exp(x);  // skewed
    }
    double difference = 0;
    for (std::size_t i = 0; i < 100; ++i) difference += values[1][i] - values[0][i];
    const int best = difference < 0 ? 1 : 0;
    const alternatives range = not_told_apart(compare(values, best), best, 100);
    wrong += range.first == range.last ? 1 : 0;
  }
  EXPECT_LE(wrong, 2);
}

}  // namespace
}  // namespace cotscale
