// Where the training of linear self-attention ends: at the optimum of the population.
#include "cotscale/train/lsa.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "cotscale/model/lsa_chain.hpp"
#include "cotscale/task/wishart.hpp"
#include "reference/matrix.hpp"
#include "support/power_laws.hpp"
#include "unit/train/lsa_trainings.hpp"
#include "unit/train/relative_distance.hpp"

namespace cotscale {
namespace {

using support::power_law;
using support::rotated;

TEST(train_lsa, reaches_the_population_optimum_with_adam) {
  constexpr int n = 20;
  for (const double c : {1.0, -2.0}) {
    const task_mixture tasks(rotated(power_law(5, 10), "optimum"));
    lsa_options options;  // every entry but W₂₄ moves
    options.c = c;
    const lsa_training trained = train_lsa(tasks, n, options, key("optimum"), exact_preconditioner(tasks, n), {}, {});
    const matrix gamma =
        reference::combination(1 + 1.0 / n, tasks.task(0).values(), tasks.task(0).trace() / n, matrix::identity(5));
    const matrix optimum = reference::combination(-1 / c, reference::inverse(gamma), 0, gamma);
    EXPECT_FALSE(trained.record.diverged);
    EXPECT_LT(relative_distance(v31(trained.model), optimum), 0.02) << "c = " << c;
    EXPECT_NEAR(trained.record.final_preconditioner_distance, relative_distance(v31(trained.model), optimum), 1e-12);
    EXPECT_LT(trained.record.final_off_slice, 0.02);
    EXPECT_EQ(trained.record.w24, -c) << "held";
  }
}

TEST(train_lsa, reaches_the_optimum_of_a_mixture) {
  constexpr int n = 20;
  const task_mixture tasks({rotated(power_law(3, 4), "first"), rotated(power_law(3, 9), "second")}, {0.3, 0.7});
  const matrix exact = exact_preconditioner(tasks, n);
  const lsa_training trained = train_lsa(tasks, n, {}, key("mixture"), exact, {}, {});
  EXPECT_LT(trained.record.final_preconditioner_distance, 0.02);
  for (const std::size_t one : {0U, 1U}) {
    EXPECT_GT(relative_distance(exact_preconditioner(task_mixture(tasks.task(one)), n), exact), 0.04)
        << "the test can tell the mixture from one of its tasks";
  }
}

// Mean of ‖w_k − w‖² over 4096 prompts.
double chain_error(const lsa_parameters& model, const task_mixture& tasks, int m, int k) {
  const wishart_source source(tasks, m, key("test prompts"));
  matrix errors(k + 1, lane_count);
  prompt_lanes lanes;
  double sum = 0;
  for (std::uint64_t block = 0; block < 512; ++block) {
    source.draw(block, lanes);
    chain_errors(model, lanes, errors);
    for (int lane = 0; lane < lane_count; ++lane) sum += errors(k, lane) / 4096;
  }
  return sum;
}

// Only the product W₂₄V₃₁ is learned: the chain converges to −W₂₄/c times w.
TEST(train_lsa, learns_the_first_step_but_no_chain_if_w24_moves) {
  constexpr int n = 20;
  const task_mixture tasks(power_law(5, 10));
  lsa_options held;
  lsa_options free;
  free.free_w24 = true;
  const matrix exact = exact_preconditioner(tasks, n);
  const lsa_training right = train_lsa(tasks, n, held, key("w24"), exact, {}, {});
  const lsa_training wrong = train_lsa(tasks, n, free, key("w24"), exact, {}, {});
  EXPECT_LT(wrong.record.final_preconditioner_distance, 0.02);
  EXPECT_GT(std::abs(wrong.record.w24 + 1), 0.05);
  EXPECT_EQ(wrong.record.w24, w24(wrong.model));
  const auto ratio = [&](int k) {
    return chain_error(wrong.model, tasks, 1000, k) / chain_error(right.model, tasks, 1000, k);
  };
  EXPECT_NEAR(ratio(1), 1, 0.05);
  EXPECT_GT(ratio(10), 10);
}

TEST(train_lsa, comes_near_by_every_optimiser) {
  const task_mixture tasks(power_law(2, 3));
  const matrix exact = exact_preconditioner(tasks, 20);
  for (const std::string rule : {"gd", "sgd", "adam", "adamw"}) {
    lsa_options options;
    options.steps = 1000;
    options.optimizer.rule = update_rule_named(rule, rule == "adamw" ? "weight_decay = 1e-3" : "");
    options.optimizer.warm_up = 20;
    options.optimizer.clip_norm = 5;
    if (rule == "gd") options.optimizer.learning_rate = 0.1;
    const lsa_training trained = train_lsa(tasks, 20, options, key("rules"), exact, {}, {});
    EXPECT_LT(trained.record.final_preconditioner_distance, 0.03) << rule;
  }
}

}  // namespace
}  // namespace cotscale
