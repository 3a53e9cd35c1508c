#include "cotscale/select/plain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Support hardness 2, 11, 1, 3, 11, relevance to diag(1, 0.1) lowest for the last but one.
std::vector<covariance> five() {
  return {covariance({1, 1}), covariance({10, 1}), covariance({0, 5}), covariance({1, 2}), covariance({1, 10})};
}

TEST(uniform_mixture, is_uniform) {
  EXPECT_THAT(uniform_mixture(five()), ElementsAre(0.2, 0.2, 0.2, 0.2, 0.2));
  EXPECT_THAT(uniform_mixture(std::vector{covariance({3})}), ElementsAre(1));
}

TEST(easy_and_hard_mixture, are_quarters_by_support_hardness) {
  EXPECT_THAT(easy_mixture(five()), ElementsAre(0.5, 0, 0.5, 0, 0)) << "⌈5/4⌉ = 2; rank one has hardness 1";
  EXPECT_THAT(hard_mixture(five()), ElementsAre(0, 0.5, 0, 0, 0.5));
  EXPECT_THAT(easy_mixture(std::vector{covariance({1, 2}), covariance({1, 1}), covariance({3, 1})}),
              ElementsAre(0, 1, 0));
}

TEST(easy_and_hard_mixture, give_ties_to_the_lower_index) {
  const std::vector<covariance> equal(6, covariance({1, 2}));
  EXPECT_THAT(easy_mixture(equal), ElementsAre(0.5, 0.5, 0, 0, 0, 0));
  EXPECT_THAT(hard_mixture(equal), ElementsAre(0.5, 0.5, 0, 0, 0, 0));
  EXPECT_THAT(relevant_mixture(equal, covariance({1, 1})), ElementsAre(0.5, 0.5, 0, 0, 0, 0));
}

TEST(relevant_mixture, has_those_that_point_where_the_target_does) {
  EXPECT_THAT(relevant_mixture(five(), covariance({1, 0.1})), ElementsAre(0.5, 0.5, 0, 0, 0));
  EXPECT_THAT(relevant_mixture(five(), covariance({0, 1})), ElementsAre(0, 0, 0.5, 0, 0.5));
  EXPECT_THAT(relevant_mixture(std::vector{covariance({1e-9, 1e-9}), covariance({1e9, 0})}, covariance({2, 2})),
              ElementsAre(1, 0))
      << "whatever their scale";
}

TEST(plain_mixtures, want_candidates_of_one_dimension) {
  const std::vector<covariance> none;
  for (const auto mixture : {uniform_mixture, easy_mixture, hard_mixture}) {
    EXPECT_THAT([&] { mixture(none); }, ThrowsMessage<specification_error>(HasSubstr("no candidate")));
  }
  EXPECT_THROW(relevant_mixture(none, covariance({1})), specification_error);
  EXPECT_THAT(
      [] {
        relevant_mixture(five(), covariance({1, 1, 1}));
      },
      ThrowsMessage<specification_error>(
          testing::AllOf(HasSubstr("candidate 0"), HasSubstr("dimension 2"), HasSubstr("target has 3"))));
}

}  // namespace
}  // namespace cotscale
