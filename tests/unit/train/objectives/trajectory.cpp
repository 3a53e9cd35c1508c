// Its gradient is held against finite differences, of every model, where those of all objectives are.
#include <gtest/gtest.h>

#include <vector>

#include "cotscale/train/lsa_objective.hpp"
#include "cotscale/train/softmax.hpp"
#include "support/explicit_lanes.hpp"
#include "support/matrices.hpp"
#include "support/parts.hpp"

namespace cotscale {
namespace {

constexpr int d = 2, k = 3, side = 2 * d + 2;

std::shared_ptr<const training_objective> trajectory() { return objective_named("trajectory", "k_train = 3"); }

lsa_parameters some_weights() {
  lsa_parameters out{.v = support::gaussian(side, side, "v"), .w = support::gaussian(side, side, "w")};
  for (matrix* m : {&out.v, &out.w}) {
    for (double& x : m->values()) x *= 0.2;
  }
  return out;
}

std::vector<prompt> some_prompts() {
  return support::eight_prompts(covariance(std::vector<double>{1.5, 0.5}), 5, {1, 2});
}

TEST(trajectory, has_a_chain_of_k_train_steps) {
  EXPECT_EQ(support::written(*trajectory()), "trajectory\nk_train = 3\n");
  EXPECT_EQ(trajectory()->longest_chain(), k);
}

// Mean over i < k of ½‖o_i − (0, 0, w, 1)‖², from the outputs of the chain.
TEST(trajectory, measures_every_step_of_the_chain) {
  const prompt_lanes lanes = support::side_by_side(some_prompts());
  const lsa_parameters weights = some_weights();
  lsa_chain chain;
  chain.start(lanes);
  double expected = 0;
  for (int i = 0; i < k; ++i) {
    const matrix output = chain.apply(weights);
    for (int r = 0; r < side; ++r) {
      for (int lane = 0; lane < lane_count; ++lane) {
        const double target = r <= d ? 0 : r == side - 1 ? 1 : lanes.w(r - d - 1, lane);
        expected += 0.5 * (output(r, lane) - target) * (output(r, lane) - target) / k / lane_count;
      }
    }
    if (i + 1 < k) chain.append(output);
  }
  std::vector<prompt_loss> losses(lane_count);
  objective_lanes().losses(*trajectory(), k, weights, lanes, lane_count, losses);
  double mean = 0;
  for (const prompt_loss& loss : losses) mean += loss.model / lane_count;
  EXPECT_NEAR(mean, expected, 1e-13 * expected);
}

// It has the loss of a rollout as long, and another gradient: what rollout stops.
TEST(trajectory, differs_from_rollout_by_the_gradient_through_its_tokens) {
  const auto rollout = objective_named("rollout", "k_train = 3");
  const prompt one = some_prompts().front();
  const lsa_parameters weights = some_weights();
  lsa_parameters through{.v = matrix(side, side), .w = matrix(side, side)}, stopped = through;
  softmax_objective softmax(false);
  EXPECT_EQ(softmax.add(*trajectory(), k, weights, one, 1, through),
            softmax.add(*rollout, k, weights, one, 1, stopped));
  EXPECT_NE(through.v, stopped.v);
}

}  // namespace
}  // namespace cotscale
