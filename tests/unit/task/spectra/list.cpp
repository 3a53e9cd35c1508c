#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/spectra.hpp"

namespace cotscale {
namespace {

using support::spectrum_of;
using support::spectrum_refusal;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string refusal(const std::string& values, int d = 2, bool scaled = false) {
  return spectrum_refusal("spectrum = 'list'\neigenvalues = " + values, {.d = d, .scaled = scaled});
}

TEST(list, is_what_its_key_says_and_is_written_as_it_was_read) {
  const std::string text = "spectrum = 'list'\neigenvalues = [0.5, 3.0, 0.0]\n";
  const auto s = spectrum_of(text, {.d = 3});
  EXPECT_THAT(s->eigenvalues(3), testing::ElementsAre(0.5, 3, 0));
  EXPECT_THAT([&] { s->eigenvalues(4); }, ThrowsMessage<precondition_error>(HasSubstr("3 values, but d = 4")));
  EXPECT_EQ(support::canonical_keys(s), text);
}

TEST(list, is_refused_where_it_is_no_covariance) {
  EXPECT_THAT(refusal("[1, -1]"), HasSubstr("target.eigenvalues makes the covariance not positive semi-definite"));
  EXPECT_THAT(refusal("[1, inf]"), HasSubstr("every eigenvalue must be finite"));
  EXPECT_THAT(refusal("[0, 0]"), HasSubstr("makes the covariance zero"));
  EXPECT_THAT(refusal("[1, 2, 3]"), HasSubstr("has 3 values, but task.d = 2"));
  EXPECT_THAT(refusal("[1, 2, 3]", 0), "no exception");
  EXPECT_THAT(refusal("[1.5e308, 1.5e308]"), HasSubstr("the trace of the covariance is beyond what a double holds"));
  EXPECT_EQ(refusal("[1.5e308, 1.5e308]", 2, true), "no exception") << "it is scaled down";
  EXPECT_THAT(refusal("[1e300, 1e-300]"), HasSubstr("differ by a factor beyond what a double holds"));
}

TEST(list, has_the_random_numbers_of_its_ratios) {
  const auto key = [](const std::string& values) {
    return support::key_of(*spectrum_of("spectrum = 'list'\neigenvalues = " + values, {.d = 2}));
  };
  EXPECT_EQ(key("[3, 1]"), key("[3e-7, 1e-7]"));
  EXPECT_NE(key("[3, 1]"), key("[1, 3]"));
  EXPECT_NE(key("[3, 1]"), key("[3, 1.00000000001]"));
}

}  // namespace
}  // namespace cotscale
