// How many draws settle which length of a chain is best.
#include "cotscale/theory/prediction.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stop_token>
#include <vector>

#include "cotscale/theory/closed_forms.hpp"
#include "unit/theory/predicted_chains.hpp"

namespace cotscale {
namespace {

// A correlation matrix of ten medical measurements, matched training at n = 200, tests at m = 50.
const std::vector<double> ten_measurements{4.02, 1.49, 1.21, 0.96, 0.66, 0.60, 0.54, 0.43, 0.078, 0.0086};

chain_prediction predict_ten(int seed, const prediction_draws& draws) {
  const covariance sigma(ten_measurements);
  return predict_chain(trained_preconditioner(sigma, 200), sigma, 50, 20, draws,
                       key_builder("ten measurements").add(seed).key(), std::stop_token());
}

prediction_draws up_to(int most) { return {.draws = 100, .most_draws = most, .rarest = 1e-4, .out_of_time = {}}; }

// Measured over 20,000 prompts: 6. One draw in 30 diverges, and with 100 draws the least mean is anywhere from 4 to 20.
TEST(predict_chain, draws_until_the_best_k_is_settled_or_says_what_is_not_told_apart) {
  std::set<int> of_few;
  for (int seed = 0; seed < 12; ++seed) {
    const chain_prediction few = predict_ten(seed, up_to(100));
    of_few.insert(few.best_k);
    EXPECT_FALSE(few.settled()) << seed;
    EXPECT_LE(few.first_k, 6) << seed;
    EXPECT_GE(few.last_k, 6) << seed;
  }
  EXPECT_GT(of_few.size(), 3U) << "or the case does not show what it is for";
  for (int seed = 0; seed < 4; ++seed) {
    const chain_prediction many = predict_ten(seed, up_to(102'400));
    EXPECT_EQ(many.best_k, 6) << seed;
    EXPECT_GE(many.first_k, 5) << seed;
    EXPECT_LE(many.last_k, 7) << seed;
    EXPECT_NEAR(many.diverging_share, 0.033, 0.002) << seed;
    EXPECT_GT(many.diverging_part[20], 0.9) << seed;
    EXPECT_LT(many.diverging_part[3], 0.5) << seed;
  }
}

TEST(predict_chain, takes_no_more_draws_than_it_needs_and_the_same_ones_first) {
  const chain_prediction slow =
      predict_chain(scaled_identity(4, 1.0 / 20), isotropic(4), 8, 10, up_to(51'200), some_key, std::stop_token());
  EXPECT_EQ(slow.draws, 100) << "every step helps in every draw, and divergence is far";
  EXPECT_TRUE(slow.settled());
  const chain_prediction more = predict_ten(3, up_to(3200));
  EXPECT_EQ(more.draws, 3200);
  const chain_prediction fixed = predict_ten(3, {.draws = 3200, .most_draws = 3200, .rarest = 1e-4, .out_of_time = {}});
  EXPECT_EQ(more.error, fixed.error);
  EXPECT_EQ(more.difference_error, fixed.difference_error);
  EXPECT_EQ(predict_ten(3, up_to(300)).draws, 300) << "the last doubling ends at the cap";
}

// Draws that diverge may be too rare to be among the first: the upper tail of the others says that they exist.
TEST(predict_chain, does_not_settle_before_rare_draws_can_be_seen) {
  int without = 0;
  for (int seed = 0; seed < 40; ++seed) {
    const chain_prediction p = predict_ten(seed, up_to(100));
    without += p.diverging_share == 0 ? 1 : 0;
    EXPECT_FALSE(p.settled()) << seed;
  }
  EXPECT_GT(without, 0) << "or nothing was hidden";
  const covariance sigma = isotropic(10);
  const matrix a = trained_preconditioner(sigma, 20);
  prediction_draws draws = up_to(102'400);
  const chain_prediction careful = predict_chain(a, sigma, 30, 30, draws, some_key, std::stop_token());
  EXPECT_GE(careful.draws, 3200) << "no draw of the first 100 diverges, 1 in 600 does";
  draws.rarest = 1;
  EXPECT_EQ(predict_chain(a, sigma, 30, 30, draws, some_key, std::stop_token()).draws, 100);
}

TEST(predict_chain, ends_at_a_doubling_when_its_time_is_up) {
  std::atomic<int> asked = 0;
  prediction_draws draws = up_to(102'400);
  draws.out_of_time = [&] { return ++asked > 20; };
  const chain_prediction p = predict_ten(0, draws);
  EXPECT_TRUE(p.out_of_time);
  EXPECT_LT(p.draws, 400);
  const chain_prediction same = predict_ten(0, up_to(p.draws));
  EXPECT_EQ(p.error, same.error);
  EXPECT_FALSE(same.out_of_time);
}

}  // namespace
}  // namespace cotscale
