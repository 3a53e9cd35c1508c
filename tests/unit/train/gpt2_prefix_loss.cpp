// The loss of prefixes, which is minimised beside an objective's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cotscale/train/gpt2.hpp"
#include "cotscale/train/gpt2_objective.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"
#include "support/objectives.hpp"
#include "support/threads.hpp"
#include "support/transposed_maps.hpp"

namespace cotscale {
namespace {

using support::gaussian;
using support::is_gradient;

constexpr int d = 3, n = 4, steps = 3, count = 3;
constexpr double prefix_weight = 0.7, weight = 0.5;

const gpt2_layout& layout() {
  static const gpt2_layout one({.d = d, .size = {2, 2, 8}, .examples = n, .chain = steps});
  return one;
}

std::vector<prompt> some_prompts() {
  const prompt_source source(covariance(std::vector<double>{1.5, 1, 0.5}), n, {3, 4});
  std::vector<prompt> out(count);
  for (std::size_t i = 0; i < out.size(); ++i) source.draw(i, out[i]);
  return out;
}

matrix random_parameters() {
  matrix out = gaussian(static_cast<int>(layout().size()), 1, "parameters");
  for (double& value : out.values()) value *= 0.4;
  return out;
}

struct added {
  double loss, prefix_loss;
  matrix gradient;
};

// With the mean over i = 1 … n of ½‖ŵ(y_i) − w‖² by hand, of all prompts.
added add(const training_objective& objective, const matrix& parameters, double prefixes) {
  const std::vector<prompt> prompts = some_prompts();
  gpt2_objective<double> loss(layout(), prefixes);
  added out{0, 0, matrix(parameters.rows(), 1)};
  out.loss = loss.add(objective, objective.longest_chain(), parameters.values(),
                      support::transposed_maps(layout(), parameters.values()), prompts, weight, out.gradient.values());
  for (int i = 0; prefixes > 0 && i < n; ++i) {
    for (int b = 0; b < count; ++b) {
      for (int j = 0; j < d; ++j) {
        const double w = prompts[static_cast<std::size_t>(b)].w[static_cast<std::size_t>(j)];
        out.prefix_loss += weight * 0.5 * std::pow(loss.prefix_output(i).row(b)[j] - w, 2) / n;
      }
    }
  }
  return out;
}

std::vector<std::shared_ptr<const training_objective>> objectives() {
  std::vector<std::shared_ptr<const training_objective>> out{
      support::objective_of("process", steps, "targets = 'gd'\neta = 0.3")};
  for (const std::string& word : support::objective_words()) out.push_back(support::objective_of(word, steps));
  return out;
}

// Gradients add up, so that what the prefixes add to that of an objective is the gradient of their loss alone.
TEST(gpt2_prefix_loss, adds_its_gradient_to_that_of_every_objective) {
  const matrix parameters = random_parameters(), direction = gaussian(parameters.rows(), 1, "direction");
  for (const auto& objective : objectives()) {
    const added without = add(*objective, parameters, 0), with = add(*objective, parameters, prefix_weight);
    EXPECT_NEAR(with.loss, without.loss, 1e-12) << "what is recorded is the objective's own";
    const matrix difference = combination(1, with.gradient, -1, without.gradient);
    const auto loss = [&](const matrix& p) { return prefix_weight * add(*objective, p, prefix_weight).prefix_loss; };
    EXPECT_TRUE(is_gradient(difference, loss, parameters, direction, 1e-5, 1e-6)) << objective->word();
    EXPECT_FALSE(is_gradient(combination(1.001, difference, 0, difference), loss, parameters, direction, 1e-5, 1e-6))
        << "the checker can tell";
    if (support::stops_gradient(*objective)) continue;
    const auto all = [&](const matrix& p) { return add(*objective, p, prefix_weight).loss + loss(p); };
    EXPECT_TRUE(is_gradient(with.gradient, all, parameters, direction, 1e-5, 1e-6)) << objective->word();
  }
}

TEST(gpt2_prefix_loss, is_in_no_loss_of_a_prompt) {
  const matrix parameters = random_parameters();
  const std::vector<prompt> prompts = some_prompts();
  for (const auto& objective : objectives()) {
    std::vector<prompt_loss> with(count), without(count);
    gpt2_objective<double> prefixes(layout(), prefix_weight);
    matrix discarded(parameters.rows(), 1);
    const int k = objective->longest_chain();
    prefixes.add(*objective, k, parameters.values(), support::transposed_maps(layout(), parameters.values()), prompts,
                 weight, discarded.values());
    prefixes.losses(*objective, k, parameters.values(), prompts, with);
    gpt2_objective<double>(layout()).losses(*objective, k, parameters.values(), prompts, without);
    for (std::size_t b = 0; b < count; ++b) EXPECT_EQ(with[b].model, without[b].model) << objective->word();
  }
}

// ---- training with it ----

stream_key key(const char* name) { return key_builder(name).key(); }

gpt2_options short_training(double prefixes) {
  gpt2_options out;
  out.size = {2, 2, 16};
  out.objective = support::objective_of("rollout", 3);
  out.optimizer.learning_rate = 1e-3;
  out.steps = 6;
  out.batch = 37;
  out.prefix_weight = prefixes;
  return out;
}

gpt2_training train(const gpt2_options& options) {
  const std::vector<std::int64_t> record{0, 6};
  return train_gpt2(task_mixture(covariance(std::vector<double>{1, 1, 1})), 5, options, key("key"), record, {});
}

TEST(gpt2_prefix_loss, changes_what_is_learned_but_not_what_is_recorded_at_first) {
  const gpt2_training with = train(short_training(prefix_weight)), without = train(short_training(0));
  EXPECT_NEAR(with.record.loss[0], without.record.loss[0], 1e-5 * without.record.loss[0]);
  EXPECT_NE(with.model.parameters, without.model.parameters);
  EXPECT_FALSE(with.record.diverged);
}

TEST(gpt2_prefix_loss, is_the_same_whatever_the_threads) {
  gpt2_options options = short_training(prefix_weight);
  options.examples = {.first = 2, .step = 1, .every = 2};
  const gpt2_training once = train(options);
  for (const int threads : {1, 2, 5}) {
    const support::thread_scope scope(threads);
    EXPECT_EQ(train(options).model.parameters, once.model.parameters) << threads << " threads";
  }
}

// From the first example on an estimate is better than none: what a prompt's end learns alone comes later.
TEST(gpt2_prefix_loss, teaches) {
  const support::thread_scope scope(1);
  gpt2_options options = short_training(1);
  options.size = {2, 2, 32};
  options.objective = support::objective_of("direct", 1);
  options.steps = 600;
  options.batch = 64;
  options.optimizer.learning_rate = 3e-3;
  const std::vector<std::int64_t> record{0};
  const gpt2_record found =
      train_gpt2(task_mixture(covariance(std::vector<double>{1})), 6, options, key("learns"), record, {}).record;
  EXPECT_FALSE(found.diverged);
  EXPECT_LT(found.final_loss, 0.25) << "of ½ E‖w‖² = 0.5";
}

}  // namespace
}  // namespace cotscale
