// Words that were probably meant, and problems that are said once.
#include "cotscale/config/problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cotscale/base/error.hpp"

namespace cotscale::config {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> rotations{"none", "shared", "independent"};

TEST(nearest, is_a_word_that_begins_alike_or_is_two_edits_away) {
  EXPECT_EQ(nearest("indep", rotations), "independent");
  EXPECT_EQ(nearest("independently", rotations), "independent");
  EXPECT_EQ(nearest("sharde", rotations), "shared") << "two edits";
  EXPECT_EQ(nearest("sahrdd", rotations), "") << "three";
  EXPECT_EQ(nearest("no", rotations), "none");
}

TEST(nearest, is_nothing_for_nonsense) {
  EXPECT_EQ(nearest("xyzzy", rotations), "");
  EXPECT_EQ(nearest("", rotations), "");
  EXPECT_EQ(nearest("none", {}), "");
  EXPECT_EQ(nearest("xy", {"gd", "k", "n"}), "") << "two edits make any two letters any others";
  EXPECT_EQ(nearest("nonsense", {"n", "no"}), "") << "a word is not meant by all that begin with its letter";
  EXPECT_EQ(nearest(std::string(100'000, 'x'), rotations), "");
}

TEST(nearest, has_the_fewest_edits) {
  EXPECT_EQ(nearest("adamv", {"adam", "adamw"}), "adam") << "both are one edit away, and the first is named";
  EXPECT_EQ(nearest("samples", {"sample", "max_samples", "samples"}), "samples");
}

TEST(suggestion, names_the_word_or_says_what_else_to_do) {
  EXPECT_EQ(suggestion("indep", rotations), "; did you mean \"independent\"?");
  EXPECT_EQ(suggestion("xyzzy", rotations, "; remove it"), "; remove it");
}

TEST(problem_list, says_each_problem_once_and_counts_those_beyond_twenty) {
  problem_list problems("s.toml");
  EXPECT_NO_THROW(problems.raise());
  for (int i = 0; i < 22; ++i) {
    problems.add(nullptr, "problem " + std::to_string(i));
    problems.add(nullptr, "problem 0");
  }
  try {
    problems.raise();
    FAIL() << "no exception";
  } catch (const specification_error& e) {
    const std::string text = e.what();
    EXPECT_EQ(text.find("problem 0"), text.rfind("problem 0"));
    EXPECT_THAT(text, HasSubstr("s.toml: problem 19"));
    EXPECT_THAT(text, Not(HasSubstr("problem 20")));
    EXPECT_THAT(text, HasSubstr("more problems"));
  }
}

}  // namespace
}  // namespace cotscale::config
