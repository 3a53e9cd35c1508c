#include "cotscale/train/optimizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double tolerance = 1e-15;

// Three steps of rate 0.1 from (1, −2).
std::vector<double> three_steps(const optimizer_options& options) {
  const std::vector<std::vector<double>> gradients{{0.5, -3}, {-1, 0.25}, {2, 0}};
  optimizer rule(options, 2);
  std::vector<double> p{1, -2};
  for (const auto& g : gradients) rule.update(0.1, g, p);
  return p;
}

optimizer_options with_rule(const char* word, const std::string& values = "") {
  optimizer_options out;
  out.rule = update_rule_named(word, values);
  return out;
}

const std::string adam_values = "beta2 = 0.99\nepsilon = 1e-6\n";

TEST(optimizer, gd_steps_along_the_gradient) {
  const std::vector<double> p = three_steps(with_rule("gd"));
  EXPECT_NEAR(p[0], 1 - 0.1 * (0.5 - 1 + 2), tolerance);
  EXPECT_NEAR(p[1], -2 - 0.1 * (-3 + 0.25), tolerance);
}

TEST(optimizer, sgd_remembers_gradients) {
  const std::vector<double> p = three_steps(with_rule("sgd", "momentum = 0.8"));
  // b = g₁, 0.8 g₁ + g₂, 0.64 g₁ + 0.8 g₂ + g₃
  EXPECT_NEAR(p[0], 1 - 0.1 * (2.44 * 0.5 + 1.8 * -1 + 2), tolerance);
  EXPECT_NEAR(p[1], -2 - 0.1 * (2.44 * -3 + 1.8 * 0.25), tolerance);
}

TEST(optimizer, adam_starts_with_a_step_of_the_rate) {
  optimizer rule(with_rule("adam", adam_values), 2);
  std::vector<double> p{1, -2};
  rule.update(0.1, std::vector<double>{0.5, -3}, p);
  // m/(1 − β₁) = g, v/(1 − β₂) = g²
  EXPECT_NEAR(p[0], 1 - 0.1 * 0.5 / (0.5 + 1e-6), tolerance);
  EXPECT_NEAR(p[1], -2 + 0.1 * 3 / (3 + 1e-6), tolerance);
}

TEST(optimizer, adam_follows_its_definition) {
  const std::vector<double> p = three_steps(with_rule("adam", adam_values));
  double m = 0, v = 0, by_hand = 1;
  int t = 0;
  for (const double g : {0.5, -1.0, 2.0}) {
    ++t;
    m = 0.9 * m + 0.1 * g;
    v = 0.99 * v + 0.01 * g * g;
    by_hand -= 0.1 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.99, t))) + 1e-6);
  }
  EXPECT_NEAR(p[0], by_hand, tolerance);
}

// torch.optim.Adam, AdamW and SGD of PyTorch 1.13 in double precision, with the same numbers.
TEST(optimizer, agrees_with_pytorch) {
  const std::vector<double> adam = three_steps(with_rule("adam", adam_values));
  EXPECT_NEAR(adam[0], 0.89473042688190851, tolerance);
  EXPECT_NEAR(adam[1], -1.7922240126374751, 2 * tolerance);
  const std::vector<double> adamw = three_steps(with_rule("adamw", adam_values + "weight_decay = 0.3"));
  EXPECT_NEAR(adamw[0], 0.81221659330722251, tolerance);
  EXPECT_NEAR(adamw[1], -1.6253018217442858, 2 * tolerance);
  const std::vector<double> sgd = three_steps(with_rule("sgd", "momentum = 0.8"));
  EXPECT_NEAR(sgd[0], 0.85799999999999998, tolerance);
  EXPECT_NEAR(sgd[1], -1.3129999999999997, tolerance);
}

TEST(optimizer, refuses_what_does_not_fit) {
  optimizer rule({}, 2);
  std::vector<double> three(3), two(2);
  EXPECT_THROW(rule.update(0.1, three, three), precondition_error);
  EXPECT_THROW(rule.update(0.1, three, two), precondition_error);
}

TEST(optimizer, names_the_option_that_cannot_work) {
  const auto refusal = [](auto set, const char* words) {
    optimizer_options o;
    set(o);
    EXPECT_THAT([&] { optimizer(o, 1); }, ThrowsMessage<specification_error>(HasSubstr(words)));
  };
  refusal([](auto& o) { o.learning_rate = 0; }, "a learning rate > 0, not 0");
  refusal([](auto& o) { o.learning_rate = std::numeric_limits<double>::infinity(); }, "learning rate");
  refusal([](auto& o) { o.learning_rate = std::nan(""); }, "learning rate");
  refusal([](auto& o) { o.warm_up = -1; }, "warm-up");
  refusal([](auto& o) { o.clip_norm = -1; }, "clipping");
}

TEST(update_rule_named, refuses_what_a_specification_could_not_say) {
  const auto refusal = [](const char* word, const char* values, const char* words) {
    EXPECT_THAT([&] { update_rule_named(word, values); }, ThrowsMessage<specification_error>(HasSubstr(words)));
  };
  refusal("sgd", "momentum = 1", "momentum must be below 1");
  refusal("adam", "beta1 = -0.5", "beta1 must not be negative");
  refusal("adam", "beta2 = 1", "beta2 must be below 1");
  refusal("adam", "epsilon = 0", "epsilon must be positive");
  refusal("adamw", "weight_decay = -1", "weight_decay must not be negative");
  refusal("gd", "momentum = 0.5", "momentum has an effect with part = \"sgd\" only");
  refusal("adagrad", "", "must be one of gd, sgd, adam, adamw, muon");
}

TEST(rate_at, is_constant_unless_told_otherwise) {
  optimizer_options o;
  o.learning_rate = 0.3;
  o.schedule = schedule_named("constant");
  for (const std::int64_t t : {0, 1, 50, 99}) EXPECT_EQ(rate_at(o, t, 100), 0.3);
}

TEST(rate_at, falls_along_a_cosine) {
  optimizer_options o;
  o.learning_rate = 0.3;
  o.schedule = schedule_named("cosine");
  EXPECT_EQ(rate_at(o, 0, 100), 0.3);
  EXPECT_NEAR(rate_at(o, 25, 100), 0.15 * (1 + std::sqrt(0.5)), tolerance);
  EXPECT_NEAR(rate_at(o, 50, 100), 0.15, tolerance);
  EXPECT_LT(rate_at(o, 99, 100), 0.3 * 3e-4);
  EXPECT_GT(rate_at(o, 99, 100), 0) << "the last step is one";
}

TEST(rate_at, grows_linearly_at_first) {
  optimizer_options o;
  o.learning_rate = 0.8;
  o.warm_up = 4;
  for (const std::string schedule : {"constant", "cosine"}) {
    o.schedule = schedule_named(schedule);
    for (const std::int64_t t : {0, 1, 2, 3}) {
      EXPECT_NEAR(rate_at(o, t, 20), 0.2 * static_cast<double>(t + 1), tolerance);
    }
    EXPECT_EQ(rate_at(o, 4, 20), 0.8);
    EXPECT_NEAR(rate_at(o, 12, 20), schedule == "cosine" ? 0.4 : 0.8, tolerance);
  }
  o.warm_up = 100;
  EXPECT_NEAR(rate_at(o, 19, 20), 0.8 * 0.2, tolerance) << "a warm-up longer than training";
  EXPECT_THROW(rate_at(o, 20, 20), precondition_error);
  EXPECT_THROW(rate_at(o, -1, 20), precondition_error);
}

TEST(clip, shortens_what_is_too_long) {
  std::vector<double> g{3, 4};
  EXPECT_EQ(clip(g, 0), 5);
  EXPECT_EQ(clip(g, 5), 5);
  EXPECT_EQ(g, (std::vector<double>{3, 4}));
  EXPECT_EQ(clip(g, 1), 5);
  EXPECT_NEAR(g[0], 0.6, tolerance);
  EXPECT_NEAR(g[1], 0.8, tolerance);
  std::vector<double> zero{0, 0};
  EXPECT_EQ(clip(zero, 1), 0);
  EXPECT_EQ(zero[0], 0);
}

}  // namespace
}  // namespace cotscale
