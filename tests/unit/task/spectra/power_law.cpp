#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/spectra.hpp"

namespace cotscale {
namespace {

using support::spectrum_of;
using support::spectrum_refusal;
using testing::HasSubstr;

TEST(power_law, is_what_its_key_says_and_is_written_as_it_was_read) {
  const std::string text = "spectrum = 'power_law'\nexponent = -2.0\n";
  const auto s = spectrum_of(text, {.d = 4});
  EXPECT_THAT(s->eigenvalues(4), testing::ElementsAre(1, 4, 9, 16));
  EXPECT_EQ(s->basis(), nullptr);
  EXPECT_EQ(support::canonical_keys(s), text);
}

TEST(power_law, is_refused_beyond_what_doubles_hold) {
  const auto refusal = [](const std::string& exponent, bool scaled) {
    return spectrum_refusal("spectrum = 'power_law'\nexponent = " + exponent, {.d = 4, .scaled = scaled});
  };
  for (const bool scaled : {false, true}) {
    EXPECT_EQ(refusal("500", scaled), "no exception") << "4^(−500) = 2^(−1000)";
    EXPECT_THAT(refusal("600", scaled),
                HasSubstr("target.exponent is 600, and j^(−exponent) is beyond what a double holds at j = 4"));
    EXPECT_THAT(refusal("-600", scaled), HasSubstr("at j = 4"));
  }
  EXPECT_THAT(refusal("515", false), HasSubstr("differ by a factor beyond what a double holds")) << "2^(−1030)";
  EXPECT_EQ(spectrum_refusal("spectrum = 'power_law'\nexponent = 600", {.d = 0}), "no exception")
      << "nothing can be said while d is wrong";
}

}  // namespace
}  // namespace cotscale
