#include "cotscale/train/learning.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/train/optimizer_part.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

struct half_gradient : partial_gradient<double> {
  void add_to(std::span<double> total) const override {
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += values[i];
  }
  std::vector<double> values;
};

// Two parameters and the loss Σ_i ½ (p_i − t·slope_i)² in two shards, one a parameter.
class two_numbers : public trainable<double> {
 public:
  std::size_t size() const override { return 2; }
  std::vector<learning_tensor> tensors() const override { return {}; }
  std::vector<double> initial() const override { return {1, -2}; }
  int shards() const override { return 2; }
  std::unique_ptr<partial_gradient<double>> blank_gradient() const override {
    return std::make_unique<half_gradient>();
  }
  void prepare(std::span<const double> parameters) override { parameters_ = parameters; }
  double gradient(int shard, std::int64_t t, int, partial_gradient<double>& out, const std::stop_token&) override {
    const auto i = static_cast<std::size_t>(shard);
    const double residual = parameters_[i] - static_cast<double>(t) * slope[i];
    auto& values = static_cast<half_gradient&>(out).values;
    values.assign(2, 0);
    values[i] = residual;
    return 0.5 * residual * residual;
  }
  void losses(int shard, std::int64_t, int, std::span<prompt_loss> out, const std::stop_token&) override {
    const auto i = static_cast<std::size_t>(shard);
    out[i] = {.model = 0.5 * parameters_[i] * parameters_[i], .zero = 0};
  }
  double tokens(std::int64_t, int k) const override {
    lengths.push_back(k);
    return k;
  }

  const std::vector<double> slope{0.1, 0};
  mutable std::vector<int> lengths;  // of the chain, batch by batch

 private:
  std::span<const double> parameters_;
};

learning_options plan(std::int64_t steps) {
  learning_options out;
  out.steps = steps;
  out.batch = 2;
  out.optimizer.rule = update_rule_named("sgd");
  out.optimizer.learning_rate = 0.1;
  out.optimizer.schedule = schedule_named("cosine");
  return out;
}

TEST(learner, takes_a_step_down_the_gradient_of_all_shards) {
  two_numbers model;
  learning_options options = plan(1);
  options.optimizer.schedule = schedule_named("constant");
  learner<double> learning(model, options, {1, 2}, {});
  training_state<double> state = learning.beginning();
  std::vector<double> recorded;
  const std::vector<std::int64_t> steps{0, 1};
  const loop_record done = learning.run(state, steps, [&](std::size_t, double loss) { recorded.push_back(loss); });
  EXPECT_TRUE(done.finite);
  EXPECT_EQ(done.steps, 1);
  EXPECT_EQ(state.step, 1);
  EXPECT_DOUBLE_EQ(state.parameters[0], 0.9);
  EXPECT_DOUBLE_EQ(state.parameters[1], -1.8);
  ASSERT_EQ(recorded.size(), 2u);
  EXPECT_DOUBLE_EQ(recorded[0], 0.5 * (1 + 4));
  EXPECT_DOUBLE_EQ(recorded[1], 0.5 * (0.8 * 0.8 + 1.8 * 1.8));
  EXPECT_DOUBLE_EQ(done.final_loss, recorded[0]);
  EXPECT_EQ(done.tokens, 2);
}

// A state is all that the next step depends on.
TEST(learner, goes_on_from_a_state_as_if_it_had_not_stopped) {
  const std::vector<std::int64_t> steps{0, 10, 25, 40};
  for (const update_rule* rule : all_update_rules()) {
    two_numbers model;
    learning_options options = plan(40);
    options.optimizer.rule = rule->clone();
    learner<double> whole(model, options, {1, 2}, {});
    training_state<double> straight = whole.beginning();
    std::vector<double> losses(4), again(4);
    const loop_record done = whole.run(straight, steps, [&](std::size_t i, double loss) { losses[i] = loss; });

    std::stop_source source;
    const std::stop_token token = source.get_token();
    learner<double> first(model, options, {1, 2}, token);
    training_state<double> state = first.beginning();
    const auto stop_at_25 = [&](std::size_t i, double loss) {
      again[i] = loss;
      if (i == 2) source.request_stop();
    };
    EXPECT_ANY_THROW(first.run(state, steps, stop_at_25));
    EXPECT_EQ(state.step, 26);
    learner<double> second(model, options, {1, 2}, {});
    const loop_record rest = second.run(state, steps, [&](std::size_t i, double loss) { again[i] = loss; });
    EXPECT_EQ(state.parameters, straight.parameters);
    EXPECT_EQ(again, losses);
    EXPECT_EQ(rest.final_loss, done.final_loss);
  }
}

// ---- the length of the chain ----

std::vector<int> lengths(const std::string& word, const curriculum_ramp& curriculum) {
  two_numbers model;
  learning_options options = plan(200);
  options.objective = objective_named(word, "k_train = 5");
  options.chain = curriculum;
  learner<double> learning(model, options, {1, 2}, {});
  training_state<double> state = learning.beginning();
  learning.run(state, {}, {});
  return model.lengths;
}

TEST(learner, lets_the_chain_grow) {
  const std::vector<int> found = lengths("outcome", {.first = 2, .step = 2, .every = 30});
  for (std::size_t t = 0; t < found.size(); ++t) EXPECT_EQ(found[t], t < 30 ? 2 : t < 60 ? 4 : 5) << "step " << t;
  EXPECT_EQ(lengths("outcome", {}), std::vector<int>(200, 5));
}

TEST(learner, draws_lengths_up_to_the_longest_of_the_curriculum) {
  const std::vector<int> found = lengths("rollout", {.first = 2, .step = 2, .every = 30}),
                         plain = lengths("rollout", {});
  const auto among = [&](std::size_t from, std::size_t to) {
    return std::set<int>(found.begin() + static_cast<std::ptrdiff_t>(from),
                         found.begin() + static_cast<std::ptrdiff_t>(to));
  };
  // Each set is missed by chance with a probability below 30·(3/4)^30 < 0.006; the seed is fixed.
  EXPECT_EQ(among(0, 30), (std::set<int>{1, 2}));
  EXPECT_EQ(among(30, 60), (std::set<int>{1, 2, 3, 4}));
  EXPECT_EQ(among(60, 200), (std::set<int>{1, 2, 3, 4, 5}));
  EXPECT_TRUE(std::equal(found.begin() + 60, found.end(), plain.begin() + 60)) << "the same random numbers";
}

TEST(learner, refuses_a_curriculum_that_does_not_grow) {
  EXPECT_THROW(lengths("rollout", {.first = 2, .step = 0, .every = 30}), specification_error);
}

TEST(learner, refuses_a_state_of_another_model) {
  two_numbers model;
  const learning_options options = plan(3);
  learner<double> learning(model, options, {1, 2}, {});
  training_state<double> state = learning.beginning();
  state.parameters.push_back(0);
  EXPECT_THROW(learning.run(state, {}, {}), precondition_error);
}

}  // namespace
}  // namespace cotscale
