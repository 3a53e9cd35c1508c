#include "cotscale/eval/statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "cotscale/base/error.hpp"
#include "reference/statistics.hpp"
#include "support/matrices.hpp"

namespace cotscale {
namespace {

using support::epsilon;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

error_statistics summary(std::vector<double> errors) { return summarise(errors); }

// Squares of normal numbers, of very different sizes.
std::vector<double> errors_like(int count) {
  std::vector<double> errors = support::gaussian(count, "errors");
  for (double& e : errors) e = std::exp(3 * e);
  return errors;
}

TEST(summarise, agrees_with_the_textbook) {
  for (const int count : {1, 2, 3, 17, 20, 21, 31, 64 + 1, 1009}) {
    const std::vector<double> errors = errors_like(count);
    const error_statistics s = summary(errors);
    const double tolerance = 4 * count * epsilon;
    EXPECT_NEAR(s.mean / reference::mean(errors), 1, tolerance) << count;
    EXPECT_DOUBLE_EQ(s.median, reference::quantile(errors, 0.5)) << count;
    EXPECT_DOUBLE_EQ(s.q05, reference::quantile(errors, 0.05)) << count;
    EXPECT_DOUBLE_EQ(s.q95, reference::quantile(errors, 0.95)) << count;
    EXPECT_EQ(s.diverged_share, 0);
    EXPECT_TRUE(count == 1 || std::abs(s.standard_error / reference::standard_error(errors) - 1) < tolerance) << count;
  }
}

// numpy.quantile(…, [0.05, 0.5, 0.95]), numpy.mean(…), numpy.std(…, ddof=1)/sqrt(N) of numpy 1.24.
TEST(summarise, agrees_with_numpy) {
  const error_statistics three = summary({3, 1, 2});
  EXPECT_DOUBLE_EQ(three.q05, 1.1);
  EXPECT_DOUBLE_EQ(three.median, 2);
  EXPECT_DOUBLE_EQ(three.q95, 2.9);
  EXPECT_DOUBLE_EQ(three.standard_error, 0.5773502691896258);
  const error_statistics four = summary({1, 2, 4, 8});
  EXPECT_DOUBLE_EQ(four.q05, 1.15);
  EXPECT_DOUBLE_EQ(four.median, 3);
  EXPECT_DOUBLE_EQ(four.q95, 7.399999999999999);
  EXPECT_DOUBLE_EQ(four.mean, 3.75);
  EXPECT_DOUBLE_EQ(four.standard_error, 1.547847968417226);
  const error_statistics six = summary({0.1, 0.7, 0.3, 2.5, 10, 4});
  EXPECT_DOUBLE_EQ(six.q05, 0.15);
  EXPECT_DOUBLE_EQ(six.median, 1.6);
  EXPECT_DOUBLE_EQ(six.q95, 8.5);
  EXPECT_DOUBLE_EQ(six.mean, 2.9333333333333336);
  EXPECT_DOUBLE_EQ(six.standard_error, 1.5407069084604568);
}

TEST(summarise, depends_on_the_order_by_rounding_at_most) {
  std::vector<double> errors = errors_like(31);
  std::sort(errors.begin(), errors.end());
  const error_statistics ascending = summary(errors);
  const error_statistics descending = summary({errors.rbegin(), errors.rend()});
  EXPECT_DOUBLE_EQ(descending.mean, ascending.mean);
  EXPECT_DOUBLE_EQ(descending.standard_error, ascending.standard_error);
  EXPECT_EQ(descending.q05, ascending.q05);
  EXPECT_EQ(descending.q95, ascending.q95);
}

TEST(summarise, knows_no_spread_in_one_prompt) {
  const error_statistics s = summary({4.25});
  EXPECT_EQ(s.mean, 4.25);
  EXPECT_EQ(s.median, 4.25);
  EXPECT_EQ(s.q05, 4.25);
  EXPECT_EQ(s.q95, 4.25);
  EXPECT_TRUE(std::isnan(s.standard_error));
  EXPECT_EQ(s.diverged_share, 0);
}

TEST(summarise, finds_no_spread_in_equal_errors) {
  for (const double value : {0.0, 0.1, 1e-300, 1e300}) {
    const error_statistics s = summary(std::vector<double>(49, value));
    EXPECT_EQ(s.mean, value);
    EXPECT_EQ(s.standard_error, 0);
    EXPECT_EQ(s.median, value);
    EXPECT_EQ(s.q05, value);
    EXPECT_EQ(s.q95, value);
  }
}

TEST(summarise, neither_overflows_nor_underflows_before_its_results_do) {
  const std::vector<double> errors = errors_like(31);
  const error_statistics plain = summary(errors);
  for (const double scale : {1e300, 1e-300}) {
    std::vector<double> far = errors;
    for (double& e : far) e *= scale;
    const error_statistics s = summary(far);
    EXPECT_NEAR(s.mean / scale / plain.mean, 1, 100 * epsilon);
    EXPECT_NEAR(s.standard_error / scale / plain.standard_error, 1, 100 * epsilon);
    EXPECT_NEAR(s.median / scale / plain.median, 1, 100 * epsilon);
    EXPECT_EQ(s.diverged_share, 0);
  }
  const error_statistics largest = summary(std::vector<double>{1.7e308, 1.7e308, 1.1e308});
  EXPECT_NEAR(largest.mean / 1.5e308, 1, 8 * epsilon);
  EXPECT_NEAR(largest.standard_error / 0.2e308, 1, 64 * epsilon);
}

TEST(summarise, counts_what_is_not_finite_as_infinite) {
  for (const double diverged : {infinity, nan}) {
    const error_statistics s = summary({3, diverged, 1, 2});
    EXPECT_EQ(s.mean, infinity);
    EXPECT_EQ(s.standard_error, infinity);
    EXPECT_EQ(s.median, 2.5) << "quantiles stay finite while they can";
    EXPECT_DOUBLE_EQ(s.q05, 1.15);
    EXPECT_EQ(s.q95, infinity);
    EXPECT_EQ(s.diverged_share, 0.25);
  }
}

TEST(summarise, never_yields_nan_from_diverged_errors) {
  for (const int diverged : {1, 2, 10, 19, 20}) {
    std::vector<double> errors(20, 1);
    for (int i = 0; i < diverged; ++i) {
      const auto number = static_cast<std::size_t>(i);
      errors.at(7 * number % 20) = std::array{nan, infinity}.at(number % 2);
    }
    const error_statistics s = summary(errors);
    for (const double value : {s.mean, s.standard_error, s.median, s.q05, s.q95}) EXPECT_FALSE(std::isnan(value));
    EXPECT_DOUBLE_EQ(s.diverged_share, diverged / 20.0);
    EXPECT_EQ(s.median, diverged < 10 ? 1 : infinity) << diverged << " diverged: between order statistics 9 and 10";
    EXPECT_EQ(s.q95, infinity) << diverged << " diverged: between order statistics 18 and 19";
  }
}

TEST(summarise, needs_an_error) { EXPECT_THROW(summary({}), precondition_error); }

}  // namespace
}  // namespace cotscale
