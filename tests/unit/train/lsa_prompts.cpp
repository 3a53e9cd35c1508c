// Which prompts the training of linear self-attention sees.
#include "cotscale/train/lsa.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "cotscale/task/wishart.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/objectives.hpp"
#include "support/power_laws.hpp"
#include "support/threads.hpp"
#include "unit/train/lsa_trainings.hpp"

namespace cotscale {
namespace {

using support::close;
using support::power_law;
using support::rotated;

// Gradient descent on V₃₁, prompt by prompt: with ŵ = −c V₃₁ Ŝ w the gradient is the mean of −c (ŵ − w) (Ŝ w)ᵀ.
matrix descend_by_hand(const task_mixture& tasks, int n, const lsa_options& options, double rate, stream_key k) {
  const int d = tasks.dimension();
  const int blocks = (options.batch + lane_count - 1) / lane_count;
  const wishart_source source(tasks, n, k);
  prompt_lanes lanes;
  matrix v(d, d);
  for (std::int64_t t = 0; t < options.steps; ++t) {
    matrix gradient(d, d);
    for (int i = 0; i < options.batch; ++i) {
      const std::int64_t first = options.fresh_prompts ? t * blocks : 0;
      source.draw(static_cast<std::uint64_t>(first + i / lane_count), lanes);
      const matrix w = lanes.w.block(0, i % lane_count, d, 1);
      const matrix sw = reference::product(gram_of_lane(1.0 / n, lanes.factor, i % lane_count), w);
      const matrix residual = reference::combination(-options.c, reference::product(v, sw), -1, w);
      gradient = reference::combination(1, gradient, -options.c / options.batch,
                                        reference::product(residual, reference::transposed(sw)));
    }
    v = reference::combination(1, v, -rate, gradient);
  }
  return v;
}

TEST(train_lsa, takes_the_prompts_of_its_key_batch_by_batch) {
  const task_mixture tasks({rotated(power_law(3, 4), "first"), rotated(power_law(3, 9), "second")}, {0.3, 0.7});
  for (const int batch : {1, 8, 13, 100, 3001}) {
    for (const bool fresh : {true, false}) {
      lsa_options options = short_training();
      options.c = -0.7;
      options.steps = 3;
      options.batch = batch;
      options.fresh_prompts = fresh;
      options.parameters = parameter_set::slice;
      options.optimizer.rule = update_rule_named("gd");
      options.optimizer.schedule = schedule_named("constant");
      options.optimizer.learning_rate = 0.05;
      EXPECT_TRUE(
          close(v31(train(tasks, 6, options).model), descend_by_hand(tasks, 6, options, 0.05, key("key")), 1e-13))
          << "batch " << batch << ", fresh prompts: " << fresh;
    }
  }
}

TEST(train_lsa, descends_on_one_batch_without_fresh_prompts) {
  lsa_options options = short_training();
  options.steps = 40;
  options.batch = 64;
  options.fresh_prompts = false;
  options.optimizer.rule = update_rule_named("gd");
  options.optimizer.schedule = schedule_named("constant");
  options.optimizer.learning_rate = 0.05;
  std::vector<std::int64_t> every(41);
  std::iota(every.begin(), every.end(), 0);
  const lsa_record record = train(task_mixture(power_law(3, 5)), 10, options, "key", every).record;
  for (std::size_t t = 1; t < every.size(); ++t) EXPECT_LT(record.loss[t], record.loss[t - 1]) << t;
}

TEST(train_lsa, is_a_function_of_the_key_alone_whatever_the_threads) {
  const task_mixture tasks({power_law(6, 8), rotated(power_law(6, 12), "second")}, {0.5, 0.5});
  for (const std::string& word : support::objective_words()) {
    lsa_options options = short_training(word, 4);
    options.batch = 1201;  // several shards
    options.free_w24 = true;
    const lsa_training once = train(tasks, 6, options, "key", {0, 3, 6});
    for (const int threads : {1, 2, 4}) {
      const support::thread_scope scope(threads);
      const lsa_training again = train(tasks, 6, options, "key", {0, 3, 6});
      EXPECT_EQ(again.model.v, once.model.v) << threads << " threads";
      EXPECT_EQ(again.model.w, once.model.w);
      EXPECT_EQ(again.record.loss, once.record.loss);
      EXPECT_EQ(again.record.final_loss, once.record.final_loss);
    }
    EXPECT_NE(train(tasks, 6, options, "another key").model.v, once.model.v);
  }
}

TEST(train_lsa, draws_the_length_of_rollouts) {
  // With weights that are held, as good as, the loss at step t depends on the prompts and the length alone.
  lsa_options options = short_training("rollout", 3);
  options.steps = 60;
  options.fresh_prompts = false;
  options.optimizer.learning_rate = 1e-300;
  options.initial = initial_weights::random;
  std::vector<std::int64_t> every(60);
  std::iota(every.begin(), every.end(), 0);
  std::vector<double> losses = train(task_mixture(power_law(2, 3)), 6, options, "key", every).record.loss;
  std::sort(losses.begin(), losses.end());
  const auto distinct = std::unique(losses.begin(), losses.end()) - losses.begin();
  EXPECT_EQ(distinct, 3);
}

}  // namespace
}  // namespace cotscale
