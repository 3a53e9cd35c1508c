#include "cotscale/train/lsa.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <stop_token>
#include <string_view>
#include <thread>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/model/lsa_chain.hpp"
#include "cotscale/task/moments.hpp"
#include "cotscale/task/spectrum.hpp"
#include "cotscale/task/wishart.hpp"
#include "cotscale/train/lsa_population.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/objectives.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;

stream_key key(std::string_view name) { return key_builder(name).key(); }

covariance power_law(int d, double hardness) {
  return covariance(scaled_to_trace(power_law_spectrum(d, power_law_exponent(d, hardness)), d));
}

covariance rotated(const covariance& lambda, std::string_view name) {
  return {{lambda.eigenvalues().begin(), lambda.eigenvalues().end()}, random_rotation(lambda.dimension(), key(name))};
}

double relative_distance(const matrix& a, const matrix& b) {
  return reference::frobenius_norm(reference::combination(1, a, -1, b)) / reference::frobenius_norm(b);
}

matrix exact_preconditioner(const task_mixture& tasks, int n) { return optimal_preconditioner(tasks, n); }

matrix v31(const lsa_parameters& p) {
  const int d = p.dimension();
  return p.v.block(d + 1, 0, d, d);
}

double w24(const lsa_parameters& p) { return p.w(p.dimension(), 2 * p.dimension() + 1); }

lsa_training train(const task_mixture& tasks, int n, const lsa_options& options, std::string_view name = "key",
                   const std::vector<std::int64_t>& record_steps = {}) {
  return train_lsa(tasks, n, options, key(name), matrix::identity(tasks.dimension()), record_steps, {});
}

lsa_options short_training(const std::string& word = "direct", int k_train = 1) {
  lsa_options out;
  out.objective = support::objective_of(word, k_train);
  out.steps = 6;
  out.batch = 200;
  return out;
}

// ---- where it ends ----

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

// ---- what moves ----

TEST(train_lsa, moves_v31_alone_for_direct_on_the_slice) {
  const task_mixture tasks(power_law(3, 5));
  lsa_options options = short_training();
  options.c = -0.5;
  options.parameters = parameter_set::slice;
  options.free_w13 = true;  // w_0 = 0: the direct objective does not see it
  const lsa_training trained = train(tasks, 10, options);
  EXPECT_EQ(trained.record.final_off_slice, 0);
  EXPECT_NE(v31(trained.model), matrix(3, 3));
  EXPECT_EQ(trained.model.v, full_parameters({.c = -0.5, .v31 = v31(trained.model)}).v);
  EXPECT_EQ(trained.model.w, full_parameters({.c = -0.5, .v31 = v31(trained.model)}).w);
}

TEST(train_lsa, moves_w13_and_w24_on_the_slice_when_told) {
  const task_mixture tasks(power_law(3, 5));
  const lsa_parameters start = full_parameters({.c = 1, .v31 = matrix(3, 3)});
  for (const bool w13 : {false, true}) {
    for (const bool w24_moves : {false, true}) {
      lsa_options options = short_training("process", 3);
      options.parameters = parameter_set::slice;
      options.free_w13 = w13;
      options.free_w24 = w24_moves;
      const lsa_parameters model = train(tasks, 10, options).model;
      EXPECT_EQ(model.w.block(0, 4, 3, 3) != start.w.block(0, 4, 3, 3), w13);
      EXPECT_EQ(w24(model) != -1, w24_moves);
      EXPECT_EQ(off_slice_norm(model), 0);
    }
  }
}

TEST(train_lsa, moves_all_but_w24_in_full) {
  const task_mixture tasks(power_law(2, 3));
  for (const std::string& word : support::objective_words()) {
    lsa_options options = short_training(word, 3);
    const lsa_parameters held = train(tasks, 10, options).model;
    EXPECT_EQ(w24(held), -1);
    EXPECT_GT(off_slice_norm(held), 0);
    options.free_w24 = true;
    EXPECT_NE(w24(train(tasks, 10, options).model), -1);
  }
}

TEST(train_lsa, starts_where_it_is_told) {
  const task_mixture tasks(power_law(20, 30));
  lsa_options options = short_training();
  options.steps = 0;
  options.c = 3;
  EXPECT_EQ(train(tasks, 10, options).model.w, full_parameters({.c = 3, .v31 = matrix(20, 20)}).w);
  EXPECT_EQ(train(tasks, 10, options).model.v, matrix(42, 42));

  options.initial = initial_weights::random;
  options.initial_scale = 0.1;
  const lsa_parameters random = train(tasks, 10, options).model;
  EXPECT_EQ(w24(random), -3) << "held";
  for (const matrix* values : {&random.v, &random.w}) {
    const double rest = values == &random.v ? 0 : 9;
    const double square = (reference::squared_norm(*values) - rest) / static_cast<double>(values->size());
    EXPECT_NEAR(square, 0.01, 0.01 * 5 * std::sqrt(2.0 / 1764));
  }
  EXPECT_NE(train(tasks, 10, options, "another key").model.v, random.v);
  EXPECT_NE(random.v, random.w);

  options.initial = initial_weights::given;
  options.given = {.v = gaussian(42, 42, "v"), .w = gaussian(42, 42, "w")};
  EXPECT_EQ(train(tasks, 10, options).model.v, options.given.v);
  EXPECT_EQ(train(tasks, 10, options).model.w, options.given.w);
}

// ---- which prompts ----

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

// ---- the record ----

TEST(train_lsa, records_what_it_was_asked_for) {
  const task_mixture tasks(power_law(3, 5));
  lsa_options options = short_training();
  options.steps = 20;
  options.optimizer.schedule = schedule_named("constant");
  const matrix exact = exact_preconditioner(tasks, 10);
  const std::vector<std::int64_t> at{0, 7, 20};
  const lsa_training trained = train_lsa(tasks, 10, options, key("key"), exact, at, {});
  const lsa_record& record = trained.record;
  EXPECT_EQ(record.steps, 20);
  EXPECT_FALSE(record.diverged);
  ASSERT_EQ(record.loss.size(), 3U);
  EXPECT_EQ(record.preconditioner_distance[0], 1) << "V₃₁ = 0";
  EXPECT_EQ(record.off_slice[0], 0);
  EXPECT_EQ(record.preconditioner_distance[2], record.final_preconditioner_distance);
  EXPECT_EQ(record.off_slice[2], record.final_off_slice);
  EXPECT_NEAR(record.final_preconditioner_distance, relative_distance(effective_preconditioner(trained.model), exact),
              1e-14);
  options.steps = 7;
  const lsa_training shorter = train_lsa(tasks, 10, options, key("key"), exact, std::vector<std::int64_t>{7}, {});
  EXPECT_EQ(shorter.record.preconditioner_distance[0], record.preconditioner_distance[1]);
  EXPECT_EQ(shorter.record.off_slice[0], record.off_slice[1]);
  EXPECT_EQ(shorter.record.loss[0], record.loss[1]);
  options.steps = 1;
  options.batch = 4096;
  const lsa_record first = train(tasks, 10, options, "key", {0}).record;
  EXPECT_NEAR(first.loss[0], 1.5, 5 * std::sqrt(1.5 / 4096)) << "½ E‖w‖² = d/2";
  EXPECT_EQ(first.final_loss, first.loss[0]) << "one step is all";
}

TEST(train_lsa, ends_when_it_is_no_longer_finite) {
  const task_mixture tasks(power_law(3, 5));
  for (const std::string& word : support::objective_words()) {
    lsa_options options = short_training(word, 3);
    options.steps = 2000;
    options.batch = 16;
    options.optimizer.rule = update_rule_named("gd");
    options.optimizer.learning_rate = 1e4;
    const lsa_record record = train(tasks, 10, options, "key", {0, 1999}).record;
    EXPECT_TRUE(record.diverged);
    EXPECT_LT(record.steps, 1000);
    EXPECT_TRUE(std::isfinite(record.loss[0]));
    EXPECT_TRUE(std::isnan(record.loss[1]) && std::isnan(record.off_slice[1]));
    EXPECT_TRUE(std::isnan(record.final_loss));
  }
}

TEST(train_lsa, stops_when_asked) {
  std::stop_source source;
  const std::jthread asks([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    source.request_stop();
  });
  lsa_options endless;
  endless.steps = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(
      train_lsa(task_mixture(power_law(2, 3)), 5, endless, key("key"), matrix::identity(2), {}, source.get_token()),
      stopped);
}

TEST(train_lsa, refuses_what_cannot_work) {
  const task_mixture tasks(power_law(2, 3));
  const auto refuses = [&](auto set) {
    lsa_options options = short_training();
    set(options);
    EXPECT_THROW(train(tasks, 5, options), precondition_error);
  };
  refuses([](auto& o) { o.c = 0; });
  refuses([](auto& o) { o.steps = -1; });
  refuses([](auto& o) { o.batch = 0; });
  refuses([](auto& o) { o.initial = initial_weights::given; });
  EXPECT_THROW(train_lsa(tasks, 5, {}, key("key"), matrix(3, 3), {}, {}), precondition_error);
  lsa_options options = short_training();
  options.optimizer.learning_rate = -1;
  EXPECT_THROW(train(tasks, 5, options), specification_error);
}

// ---- what is measured of parameters ----

TEST(effective_preconditioner, is_that_of_the_slice) {
  const lsa_slice slice{.c = -0.4, .v31 = gaussian(3, 3, "v31")};
  EXPECT_TRUE(close(effective_preconditioner(full_parameters(slice)), preconditioner(slice), 4 * epsilon));
}

TEST(off_slice_norm, counts_all_other_blocks) {
  lsa_parameters p = full_parameters({.c = 2, .v31 = matrix(2, 2, 0.5)});  // ‖V₃₁‖ = 1
  EXPECT_EQ(off_slice_norm(p), 0);
  p.w(1, 4) = 7;  // within W₁₃
  EXPECT_EQ(off_slice_norm(p), 0);
  p.v(0, 0) = 3;
  p.w(5, 5) = 4;
  EXPECT_EQ(off_slice_norm(p), 5);
  p.v.set_block(3, 0, matrix(2, 2));
  EXPECT_EQ(off_slice_norm(p), 0) << "there is nothing to compare with";
}

}  // namespace
}  // namespace cotscale
