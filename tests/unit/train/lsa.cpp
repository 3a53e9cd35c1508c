// What the training of linear self-attention moves, records and refuses.
#include "cotscale/train/lsa.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/objectives.hpp"
#include "support/power_laws.hpp"
#include "unit/train/lsa_trainings.hpp"
#include "unit/train/relative_distance.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using support::power_law;

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
