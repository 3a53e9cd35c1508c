#include "cotscale/train/gpt2.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <thread>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/train/gpt2_objective.hpp"
#include "support/matrices.hpp"
#include "support/objectives.hpp"
#include "support/threads.hpp"
#include "support/transposed_maps.hpp"

namespace cotscale {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

stream_key key(std::string_view name) { return key_builder(name).key(); }

task_mixture two_tasks() {
  return {{covariance(std::vector<double>{1, 1, 1}), covariance(std::vector<double>{2, 0.7, 0.3})}, {0.6, 0.4}};
}

gpt2_options short_training(const std::string& word = "direct", int k_train = 1) {
  gpt2_options out;
  out.size = {2, 2, 16};
  out.objective = support::objective_of(word, k_train);
  out.optimizer.learning_rate = 1e-3;
  out.optimizer.schedule = schedule_named("constant");
  out.steps = 4;
  out.batch = 37;
  return out;
}

gpt2_training train(const task_mixture& tasks, int n, const gpt2_options& options, std::string_view name = "key",
                    const std::vector<std::int64_t>& record_steps = {}) {
  return train_gpt2(tasks, n, options, key(name), record_steps, {});
}

std::vector<std::int64_t> up_to(std::int64_t last) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(last) + 1);
  std::iota(out.begin(), out.end(), 0);
  return out;
}

TEST(train_gpt2, learns) {
  gpt2_options options = short_training();
  const support::thread_scope scope(1);
  options.size = {2, 2, 32};
  options.initialisation = initialisation_named("fan_in");
  options.steps = 600;
  options.batch = 64;
  options.optimizer.learning_rate = 3e-3;
  const gpt2_record record = train(task_mixture(covariance(std::vector<double>{1})), 6, options, "learns", {0}).record;
  EXPECT_FALSE(record.diverged);
  EXPECT_NEAR(record.loss[0], 0.5, 0.25) << "½ E‖w‖² = d/2";
  EXPECT_LT(record.final_loss, 0.1);
  EXPECT_GT(record.seconds, 0);
  EXPECT_NEAR(record.tokens_per_second * record.seconds, 600 * 64 * 13, 1e-3);
}

// The same with the whole batch at once, in double precision.
TEST(train_gpt2, descends_along_the_gradient_of_the_batch) {
  for (const std::string& word : support::objective_words()) {
    if (objective_named(word, support::has_chain(word) ? "k_train = 1" : "")->form().draws_length) continue;
    gpt2_options options = short_training(word, 2);
    options.optimizer.rule = update_rule_named("gd");
    options.optimizer.learning_rate = 0.5;
    options.optimizer.clip_norm = 0.25;
    options.steps = 1;
    options.fresh_prompts = false;
    const int k = options.objective->longest_chain();
    const gpt2_layout layout(trained_configuration(3, 5, options));
    options.given = initial_gpt2(layout, *options.initialisation, key("beginning"));
    const gpt2_training trained = train(two_tasks(), 5, options, "key", {0, 1});
    const mixture_prompts source = gpt2_training_prompts(two_tasks(), 5, key("key"));
    std::vector<prompt> prompts(37);
    for (std::size_t i = 0; i < prompts.size(); ++i) source.draw(i, 3, 5, prompts[i]);
    std::vector<double> parameters(options.given.begin(), options.given.end()), gradient(layout.size());
    gpt2_objective<double> whole(layout);
    const double loss = whole.add(*options.objective, k, parameters, support::transposed_maps(layout, parameters),
                                  prompts, 1.0 / 37, gradient);
    EXPECT_NEAR(trained.record.loss[0], loss, 1e-5 * loss);
    const double norm = std::sqrt(std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0));
    EXPECT_GT(norm, 0.25) << "clipped";
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      EXPECT_NEAR(trained.model.parameters[i], parameters[i] - 0.5 * 0.25 / norm * gradient[i], 1e-6);
    }
  }
}

TEST(train_gpt2, takes_prompts_afresh_at_every_step) {
  gpt2_options options = short_training();
  options.optimizer.learning_rate = 1e-30;  // nothing moves
  const gpt2_layout layout(trained_configuration(3, 5, options));
  options.given = initial_gpt2(layout, *options.initialisation, key("beginning"));
  const gpt2_training trained = train(two_tasks(), 5, options, "key", {0, 1, 2});
  const mixture_prompts source = gpt2_training_prompts(two_tasks(), 5, key("key"));
  const std::vector<double> parameters(options.given.begin(), options.given.end());
  std::vector<double> gradient(layout.size());
  gpt2_objective<double> whole(layout);
  for (std::size_t t = 0; t < 3; ++t) {
    std::vector<prompt> prompts(37);
    for (std::size_t i = 0; i < prompts.size(); ++i) source.draw(37 * t + i, 3, 5, prompts[i]);
    const double loss = whole.add(*options.objective, 1, parameters, support::transposed_maps(layout, parameters),
                                  prompts, 1.0 / 37, gradient);
    EXPECT_NEAR(trained.record.loss[t], loss, 1e-5 * loss);
  }
}

TEST(train_gpt2, is_a_function_of_the_key_alone_whatever_the_threads) {
  for (const std::string& word : support::objective_words()) {
    gpt2_options options = short_training(word, 3);
    options.optimizer.clip_norm = 0.1;
    const gpt2_training once = train(two_tasks(), 6, options, "key", {0, 2, 4});
    for (const int threads : {1, 2, 5}) {
      const support::thread_scope scope(threads);
      const gpt2_training again = train(two_tasks(), 6, options, "key", {0, 2, 4});
      EXPECT_EQ(again.model.parameters, once.model.parameters) << threads << " threads";
      EXPECT_EQ(again.record.loss, once.record.loss);
      EXPECT_EQ(again.record.final_loss, once.record.final_loss);
    }
    EXPECT_NE(train(two_tasks(), 6, options, "another key").model.parameters, once.model.parameters);
  }
}

TEST(train_gpt2, follows_each_rule_and_schedule) {
  gpt2_options options = short_training();
  const auto parameters = [&] { return train(two_tasks(), 4, options).model.parameters; };
  const std::vector<float> adam = parameters();
  options.optimizer.rule = update_rule_named("adamw");
  const std::vector<float> adamw = parameters();
  EXPECT_NE(adamw, adam);
  options.optimizer.rule = update_rule_named("adamw", "weight_decay = 0");
  EXPECT_EQ(parameters(), adam);
  options.optimizer.warm_up = 3;
  EXPECT_NE(parameters(), adam);
}

TEST(train_gpt2, records_what_it_was_asked_for) {
  gpt2_options options = short_training("process", 2);
  options.steps = 8;
  const gpt2_training trained = train(two_tasks(), 4, options, "key", {0, 5, 8});
  EXPECT_EQ(trained.record.steps, 8);
  EXPECT_EQ(trained.model.configuration.chain, 2);
  EXPECT_EQ(trained.model.configuration.examples, 4);
  options.steps = 5;
  const gpt2_training shorter = train(two_tasks(), 4, options, "key", {5});
  EXPECT_EQ(shorter.record.loss[0], trained.record.loss[1]);
  options.given = trained.model.parameters;
  options.steps = 0;
  const gpt2_training untouched = train(two_tasks(), 4, options);
  EXPECT_EQ(untouched.model.parameters, trained.model.parameters);
  EXPECT_TRUE(std::isnan(untouched.record.final_loss));
}

TEST(train_gpt2, draws_the_length_of_rollouts) {
  gpt2_options options = short_training("rollout", 3);
  options.steps = 40;
  options.batch = 4;
  options.fresh_prompts = false;
  options.optimizer.learning_rate = 1e-30;
  std::vector<double> losses = train(two_tasks(), 4, options, "key", up_to(39)).record.loss;
  std::sort(losses.begin(), losses.end());
  EXPECT_EQ(std::unique(losses.begin(), losses.end()) - losses.begin(), 3);
}

TEST(train_gpt2, ends_when_it_is_no_longer_finite) {
  for (const std::string& word : support::objective_words()) {
    gpt2_options options = short_training(word, 2);
    options.steps = 500;
    options.batch = 8;
    options.optimizer.rule = update_rule_named("gd");
    options.optimizer.learning_rate = 1e30;
    const gpt2_record record = train(two_tasks(), 4, options, "key", {0, 499}).record;
    EXPECT_TRUE(record.diverged);
    EXPECT_LT(record.steps, 499);
    EXPECT_TRUE(std::isfinite(record.loss[0]) && std::isnan(record.loss[1]) && std::isnan(record.final_loss));
  }
}

TEST(train_gpt2, stops_when_asked) {
  std::stop_source source;
  const std::jthread asks([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    source.request_stop();
  });
  gpt2_options endless = short_training();
  endless.steps = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(train_gpt2(two_tasks(), 5, endless, key("key"), {}, source.get_token()), stopped);
}

TEST(train_gpt2, refuses_what_cannot_work) {
  const auto refuses = [](auto set, const char* words) {
    gpt2_options options = short_training();
    set(options);
    EXPECT_THAT([&] { train(two_tasks(), 5, options); }, ThrowsMessage<specification_error>(HasSubstr(words)));
  };
  refuses([](auto& o) { o.optimizer.learning_rate = -1; }, "learning rate");
  refuses([](auto& o) { o.size.heads = 3; }, "do not divide");
  refuses([](auto& o) { o.dimension.step = 0; }, "the curriculum on the dimension");
  refuses([](auto& o) { o.examples.first = -1; }, "the curriculum on n");
  gpt2_options options = short_training();
  options.given.resize(3);
  EXPECT_THROW(train(two_tasks(), 5, options), precondition_error);
}

// ---- prompts ----

TEST(curriculum_ramp, grows_to_its_full_size) {
  const curriculum_ramp ramp{.first = 5, .step = 2, .every = 10};
  EXPECT_EQ(ramp.at(0, 10), 5);
  EXPECT_EQ(ramp.at(9, 10), 5);
  EXPECT_EQ(ramp.at(10, 10), 7);
  EXPECT_EQ(ramp.at(29, 10), 9);
  EXPECT_EQ(ramp.at(30, 10), 10);
  EXPECT_EQ(ramp.at(std::int64_t{1} << 60, 10), 10);
  EXPECT_EQ(ramp.at(0, 3), 3);
  EXPECT_EQ(curriculum_ramp{}.at(0, 10), 10);
}

TEST(mixture_prompts, begins_full_prompts) {
  const mixture_prompts source(two_tasks(), 6, key("prompts"));
  prompt full, part;
  source.draw(7, 3, 6, full);
  source.draw(7, 2, 4, part);
  EXPECT_EQ(part.x.block(0, 0, 2, 4), full.x.block(0, 0, 2, 4));
  EXPECT_EQ(part.x.block(2, 0, 1, 4), matrix(1, 4));
  EXPECT_EQ(part.w, (std::vector<double>{full.w[0], full.w[1], 0}));
  for (int i = 0; i < 4; ++i) {
    EXPECT_NEAR(part.y[static_cast<std::size_t>(i)], full.w[0] * full.x(0, i) + full.w[1] * full.x(1, i), 1e-14);
  }
}

TEST(mixture_prompts, draws_tasks_by_their_probabilities) {
  const mixture_prompts source(two_tasks(), 50, key("prompts"));
  prompt p;
  double square = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    source.draw(i, 3, 50, p);
    for (int e = 0; e < 50; ++e) square += p.x(2, e) * p.x(2, e) / (2000 * 50);
  }
  EXPECT_NEAR(square, 0.6 * 1 + 0.4 * 0.3, 0.04);
}

TEST(train_gpt2, takes_a_curriculum) {
  gpt2_options options = short_training();
  options.batch = 512;
  options.steps = 4;
  options.dimension = {.first = 1, .step = 1, .every = 1};
  options.examples = {.first = 2, .step = 3, .every = 2};
  const gpt2_training trained = train(two_tasks(), 6, options, "key", up_to(3));
  EXPECT_NEAR(trained.record.loss[0], 0.5, 0.15) << "½ E w_1²";
  EXPECT_NEAR(trained.record.loss[1], 1, 0.2);
  EXPECT_NEAR(trained.record.loss[3], 1.5, 0.3);
  EXPECT_NEAR(trained.record.tokens_per_second * trained.record.seconds, 512 * (5 + 5 + 11 + 11), 1e-3);
}

TEST(train_gpt2, takes_a_curriculum_on_the_chain) {
  gpt2_options options = short_training("process", 3);
  options.chain = {.first = 1, .step = 1, .every = 1};
  const gpt2_training trained = train(two_tasks(), 6, options);
  EXPECT_EQ(trained.model.configuration.chain, 3) << "it has room for the longest";
  EXPECT_NEAR(trained.record.tokens_per_second * trained.record.seconds, 37 * (13 + 14 + 15 + 15), 1e-3);
}

}  // namespace
}  // namespace cotscale
