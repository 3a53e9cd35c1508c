#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "cotscale/task/spectrum.hpp"
#include "support/matrices.hpp"
#include "support/spectra.hpp"

namespace cotscale {
namespace {

using support::spectrum_of;
using support::spectrum_refusal;
using testing::HasSubstr;

std::string with_rate(const std::string& rate) { return "spectrum = 'exponential'\nrate = " + rate + "\n"; }

TEST(exponential, falls_by_the_same_factor_from_each_eigenvalue_to_the_next) {
  const auto s = spectrum_of(with_rate("0.25"), {.d = 5});
  const std::vector<double> values = s->eigenvalues(5);
  ASSERT_EQ(values.size(), 5U);
  for (int j = 1; j <= 5; ++j) {
    const auto exact = static_cast<double>(std::exp(-0.25L * j));
    EXPECT_NEAR(values[static_cast<std::size_t>(j - 1)] / exact, 1, 2 * support::epsilon) << j;
  }
  EXPECT_EQ(s->basis(), nullptr);
  EXPECT_THAT(spectrum_of(with_rate("0"), {.d = 3})->eigenvalues(3), testing::Each(1));
  EXPECT_GT(spectrum_of(with_rate("-1"), {.d = 3})->eigenvalues(3)[2], 20) << "e³";
}

TEST(exponential, has_the_hardness_of_a_geometric_series) {
  // Σ_j e^(−aj) / e^(−ad) = (e^(ad) − 1)/(e^a − 1); the order does not matter.
  for (const char* rate : {"0.5", "-0.5"}) {
    for (const int d : {1, 2, 17, 31}) {
      const double expected = std::expm1(0.5 * d) / std::expm1(0.5);
      const double found = hardness(spectrum_of(with_rate(rate), {.d = d})->eigenvalues(d));
      EXPECT_NEAR(found / expected, 1, 8 * d * support::epsilon) << rate << ", d = " << d;
    }
  }
}

TEST(exponential, is_written_as_it_was_read) {
  EXPECT_EQ(support::canonical_keys(spectrum_of(with_rate("0.25"), {.d = 5})), with_rate("0.25"));
  EXPECT_THAT(spectrum_refusal("spectrum = 'exponential'", {.d = 5}),
              HasSubstr("target.rate is missing; set it, for example rate = 0.5"));
  EXPECT_THAT(spectrum_refusal("spectrum = 'power_law'\nexponent = 1\nrate = 1", {.d = 5}),
              HasSubstr("target.rate has an effect with spectrum = \"exponential\" only; remove it"));
}

TEST(exponential, has_the_random_numbers_of_its_rate) {
  const auto a = spectrum_of(with_rate("0.25"), {.d = 5}), b = spectrum_of(with_rate("0.5"), {.d = 5});
  EXPECT_NE(support::key_of(*a), support::key_of(*b));
  EXPECT_NE(support::key_of(*a, true), support::key_of(*a, false));
  EXPECT_EQ(support::key_of(*a), support::key_of(*a->clone()));
}

TEST(exponential, is_refused_beyond_what_doubles_hold) {
  const auto refusal = [](const std::string& rate, bool scaled) {
    return spectrum_refusal(with_rate(rate), {.d = 4, .scaled = scaled});
  };
  for (const bool scaled : {false, true}) {
    EXPECT_EQ(refusal("175", scaled), "no exception") << "e^(−700)";
    EXPECT_THAT(refusal("190", scaled),
                HasSubstr("target.rate is 190, and e^(−rate·j) is beyond what a double holds at j = 4"));
    EXPECT_THAT(refusal("-190", scaled), HasSubstr("at j = 4"));
  }
  EXPECT_THAT(spectrum_refusal(with_rate("-0.7097"), {.d = 1000}), HasSubstr("the trace of the covariance is beyond"))
      << "the largest is e^(709.7) = 1.7e308, and the next is half of that";
  EXPECT_EQ(spectrum_refusal(with_rate("190"), {.d = 0}), "no exception") << "nothing can be said while d is wrong";
}

}  // namespace
}  // namespace cotscale
