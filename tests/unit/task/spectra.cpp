#include "cotscale/task/spectra.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "support/spectra.hpp"

namespace cotscale {
namespace {

using testing::HasSubstr;

TEST(spectra, have_words_of_their_own_help_and_copies_of_the_same_word) {
  std::set<std::string_view> words;
  for (const spectrum* s : all_spectra()) {
    EXPECT_TRUE(words.insert(s->word()).second) << s->word();
    EXPECT_FALSE(s->help().empty()) << s->word();
    EXPECT_GE(s->version(), 1) << s->word();
    EXPECT_EQ(s->clone()->word(), s->word());
    EXPECT_NE(s->clone().get(), s) << "a copy, so that reading does not change the defaults";
  }
  EXPECT_GE(words.size(), 3U);
}

TEST(spectra, are_chosen_by_their_word) {
  EXPECT_EQ(support::spectrum_of("spectrum = 'list'\neigenvalues = [1, 2]", {.d = 2})->word(), "list");
  EXPECT_THAT(support::spectrum_refusal("", {.d = 2}),
              HasSubstr("target.spectrum is missing; set it, for example spectrum = \"power_law\""));
  EXPECT_THAT(support::spectrum_refusal("spectrum = 'power'\nexponent = 1", {.d = 2}),
              HasSubstr("did you mean \"power_law\"?"));
  EXPECT_THAT(support::spectrum_refusal("spectrum = 'list'\neigenvalues = [1, 2]\nexponent = 1", {.d = 2}),
              HasSubstr("target.exponent has an effect with spectrum = \"power_law\" only; remove it"));
}

TEST(spectra, are_told_from_each_other_and_from_their_scaled_selves) {
  const auto power = support::spectrum_of("spectrum = 'power_law'\nexponent = 0.5", {.d = 2});
  const auto steeper = support::spectrum_of("spectrum = 'power_law'\nexponent = 0.75", {.d = 2});
  EXPECT_EQ(support::key_of(*power), support::key_of(*power->clone()));
  EXPECT_NE(support::key_of(*power), support::key_of(*steeper));
  EXPECT_NE(support::key_of(*power, false), support::key_of(*power, true));
}

}  // namespace
}  // namespace cotscale
