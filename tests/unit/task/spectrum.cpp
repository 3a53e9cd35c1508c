#include "cotscale/task/spectrum.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "cotscale/base/error.hpp"
#include "support/matrices.hpp"

namespace cotscale {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> random_spectrum(int d) {
  std::vector<double> values = support::gaussian(d, "spectrum");
  for (double& value : values) value = std::exp(2 * value);
  return values;
}

TEST(hardness, is_d_for_an_isotropic_task) {
  for (const int d : {1, 2, 17, 31, 65}) {
    for (const double scale : {1.0, 0.25, 1024.0}) {
      EXPECT_EQ(hardness(std::vector<double>(static_cast<std::size_t>(d), scale)), d);
    }
  }
}

TEST(hardness, is_trace_over_smallest_eigenvalue) {
  EXPECT_EQ(hardness(std::vector<double>{4, 1, 2, 1}), 8);
  EXPECT_EQ(hardness(std::vector<double>{0.5}), 1);
}

TEST(hardness, is_at_least_d_and_does_not_depend_on_scale_or_order) {
  for (const int d : {1, 2, 3, 17, 31, 65}) {
    std::vector<double> values = random_spectrum(d);
    const double before = hardness(values);
    EXPECT_GE(before, d * (1 - d * support::epsilon));
    std::vector<double> changed(values.rbegin(), values.rend());
    for (double& value : changed) value *= 3.7e100;
    EXPECT_NEAR(hardness(changed) / before, 1, 2 * d * support::epsilon);
  }
}

TEST(hardness, of_a_singular_task_is_infinite_and_its_support_hardness_is_not) {
  const std::vector<double> singular{4, 0, 2, 1, 0};
  EXPECT_EQ(hardness(singular), infinity);
  EXPECT_EQ(support_hardness(singular), 7);
  EXPECT_EQ(support_hardness(std::vector<double>{0, 3, 0}), 1);
}

TEST(support_hardness, is_the_hardness_of_a_regular_task) {
  const std::vector<double> values = random_spectrum(17);
  EXPECT_EQ(support_hardness(values), hardness(values));
}

TEST(power_law_spectrum, is_j_to_minus_the_exponent) {
  EXPECT_THAT(power_law_spectrum(4, 1), testing::ElementsAre(1, 1.0 / 2, testing::DoubleEq(1.0 / 3), 1.0 / 4));
  EXPECT_THAT(power_law_spectrum(3, 0), testing::Each(1));
  EXPECT_THAT(power_law_spectrum(1, 5), testing::ElementsAre(1));
  EXPECT_THAT(power_law_spectrum(4, -2), testing::ElementsAre(1, 4, 9, 16));
  EXPECT_THAT([] { power_law_spectrum(0, 1); }, ThrowsMessage<precondition_error>(HasSubstr("got 0")));
}

TEST(scaled_to_trace, changes_the_sum_and_not_the_shape) {
  for (const int d : {1, 2, 17, 65}) {
    const std::vector<double> values = random_spectrum(d);
    const std::vector<double> scaled = scaled_to_trace(values, d);
    EXPECT_NEAR(std::accumulate(scaled.begin(), scaled.end(), 0.0), d, 2.0 * d * d * support::epsilon);
    EXPECT_NEAR(hardness(scaled) / hardness(values), 1, 4 * d * support::epsilon);
  }
  EXPECT_THAT([] { scaled_to_trace({0, 0}, 2); }, ThrowsMessage<precondition_error>(HasSubstr("got 0")));
}

TEST(power_law_exponent, gives_the_hardness_that_was_asked_for) {
  for (const int d : {2, 3, 5, 10, 17, 31, 100, 1009}) {
    for (const double wanted : {d + 1e-6, d + 0.5, 2.0 * d, 10.0 * d, 1e4 * d, 1e8, 1e15}) {
      const double exponent = power_law_exponent(d, wanted);
      EXPECT_GT(exponent, 0);
      EXPECT_NEAR(hardness(power_law_spectrum(d, exponent)) / wanted, 1, 1e-12) << "d = " << d << ", " << wanted;
    }
  }
}

TEST(scaled_to_trace, works_at_any_scale) {
  for (const double scale : {0x1p-1060, 0x1p-500, 0x1p500, 0x1p1020}) {
    EXPECT_EQ(scaled_to_trace({scale, 2 * scale, scale}, 8), (std::vector<double>{2, 4, 2})) << scale;
  }
}

TEST(power_law_exponent, of_the_least_hardness_is_zero) {
  for (const int d : {1, 2, 17, 100}) EXPECT_EQ(power_law_exponent(d, d), 0);
}

TEST(power_law_exponent, can_be_solved_by_hand_in_two_dimensions) {
  EXPECT_NEAR(power_law_exponent(2, 1 + 8), 3, 8 * support::epsilon) << "2^a + 1 = 9";
}

TEST(power_law_exponent, grows_with_hardness) {
  double previous = 0;
  for (int i = 0; i < 50; ++i) {
    const double exponent = power_law_exponent(10, 11 * std::pow(1.7, i));
    EXPECT_GT(exponent, previous);
    previous = exponent;
  }
}

TEST(power_law_exponent, says_what_is_not_possible) {
  EXPECT_THAT([] { power_law_exponent(10, 9.5); },
              ThrowsMessage<specification_error>(AllOf(HasSubstr("9.5"), HasSubstr("10"))));
  EXPECT_THAT([] { power_law_exponent(1, 2); }, ThrowsMessage<specification_error>(HasSubstr("d = 1")));
  EXPECT_THROW(power_law_exponent(10, nan), specification_error);
  EXPECT_THROW(power_law_exponent(10, infinity), specification_error);
  EXPECT_THROW(power_law_exponent(10, -20), specification_error);
}

}  // namespace
}  // namespace cotscale
