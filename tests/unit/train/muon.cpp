#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/train/lsa.hpp"
#include "cotscale/train/optimizer.hpp"
#include "reference/muon.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

optimizer_options muon(double weight_decay = 0.1, bool nesterov = true) {
  optimizer_options out;
  out.rule = update_rule_named(
      "muon", fmt::format("vector_rate = 0.003\nweight_decay = {}\nmuon_momentum = 0.9\nnesterov = {}", weight_decay,
                          nesterov));
  out.learning_rate = 0.02;
  return out;
}

reference::rows as_rows(const std::vector<double>& values, int rows, int columns) {
  reference::rows out(static_cast<std::size_t>(rows));
  for (int i = 0; i < rows; ++i) {
    out[static_cast<std::size_t>(i)].assign(values.begin() + i * columns, values.begin() + (i + 1) * columns);
  }
  return out;
}

// Three steps of rate 0.01 in plain loops; `scale` is √max(1, outputs/inputs).
std::vector<double> by_hand(std::vector<double> p, const std::vector<std::vector<double>>& gradients, int rows,
                            int columns, double scale, bool nesterov) {
  std::vector<double> momentum(p.size());
  for (const auto& g : gradients) {
    std::vector<double> direction(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      momentum[i] = 0.9 * momentum[i] + g[i];
      direction[i] = nesterov ? g[i] + 0.9 * momentum[i] : momentum[i];
    }
    const reference::rows o = reference::zeropower(as_rows(direction, rows, columns));
    for (std::size_t i = 0; i < p.size(); ++i) {
      const auto width = static_cast<std::size_t>(columns);
      p[i] = (1 - 0.01 * 0.1) * p[i] - 0.01 * scale * o[i / width][i % width];
    }
  }
  return p;
}

std::vector<std::vector<double>> gradients_of(std::size_t size) {
  return {support::gaussian(size, "first"), support::gaussian(size, "second"), support::gaussian(size, "third")};
}

TEST(muon, moves_matrices_as_its_plain_reference_does) {
  struct shape {
    int outputs, inputs;
    bool inputs_first;
  };
  for (const shape s : {shape{5, 5, false}, {3, 7, false}, {7, 3, false}, {7, 3, true}, {3, 7, true}, {1, 4, false}}) {
    for (const bool nesterov : {true, false}) {
      const auto size = static_cast<std::size_t>(s.outputs * s.inputs);
      const int rows = s.inputs_first ? s.inputs : s.outputs, columns = s.inputs_first ? s.outputs : s.inputs;
      const optimizer_options options = muon(0.1, nesterov);
      optimizer rule(
          options, size,
          {{.offset = 0, .count = size, .outputs = s.outputs, .inputs = s.inputs, .inputs_first = s.inputs_first}});
      std::vector<double> p = support::gaussian(size, "parameters");
      const std::vector<double> expected =
          by_hand(p, gradients_of(size), rows, columns, std::sqrt(std::max(1.0, 1.0 * s.outputs / s.inputs)), nesterov);
      for (const auto& g : gradients_of(size)) rule.update(0.01, g, p);
      for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(p[i], expected[i], 1e-12) << s.outputs << " " << s.inputs;
    }
  }
}

// The singular values of what a matrix moves along: the polynomial takes [0.01, 1] to about [0.68, 1.2] (Jordan 2024).
TEST(muon, moves_along_a_nearly_orthogonal_matrix) {
  const optimizer_options options = muon(0);
  optimizer rule(options, 4, {{.offset = 0, .count = 4, .outputs = 2, .inputs = 2}});
  std::vector<double> p(4);
  const double c = std::cos(0.3), s = std::sin(0.3);
  rule.update(0.01, std::vector<double>{5 * c, -0.4 * s, 5 * s, 0.4 * c}, p);  // singular values 5 and 0.4
  EXPECT_NEAR(std::hypot(p[0], p[2]) / 0.01, 0.93, 0.28);
  EXPECT_NEAR(std::hypot(p[1], p[3]) / 0.01, 0.93, 0.28);
  EXPECT_NEAR(p[0] * p[1] + p[2] * p[3], 0, 1e-12) << "its singular vectors stay";
}

TEST(muon, moves_everything_else_as_adamw_at_a_rate_of_its_own) {
  optimizer_options adamw;
  adamw.rule = update_rule_named("adamw", "weight_decay = 0.1");
  optimizer plain(adamw, 6),
      mixed(muon(), 10, {{.offset = 0, .count = 4, .outputs = 2, .inputs = 2}, {.offset = 4, .count = 6}});
  std::vector<double> expected(6, 1), p(10, 1);
  for (const auto& g : gradients_of(10)) {
    plain.update(0.01 / 0.02 * 0.003, std::span(g).subspan(4), expected);
    mixed.update(0.01, g, p);
  }
  EXPECT_EQ(std::vector<double>(p.begin() + 4, p.end()), expected);
  optimizer alone(muon(), 6);
  std::vector<double> q(6, 1);
  for (const auto& g : gradients_of(10)) alone.update(0.01, std::span(g).subspan(4), q);
  EXPECT_EQ(q, expected) << "without tensors there are no matrices";
}

// A 3 by 3 matrix whose entry (1, 2) is held.
TEST(muon, takes_held_entries_of_a_matrix_for_zero) {
  const learning_tensor whole{.offset = 0, .count = 9, .outputs = 3, .inputs = 3};
  const learning_tensor holed{.offset = 0, .count = 8, .outputs = 3, .inputs = 3, .places = {0, 1, 2, 3, 4, 6, 7, 8}};
  optimizer a(muon(), 9, {whole}), b(muon(), 8, {holed});
  std::vector<double> p(9, 0.5), q(8, 0.5);
  for (auto g : gradients_of(9)) {
    g[5] = 0;
    a.update(0.01, g, p);
    g.erase(g.begin() + 5);
    b.update(0.01, g, q);
  }
  p.erase(p.begin() + 5);
  EXPECT_EQ(p, q);
}

TEST(muon, follows_double_precision_in_single_whatever_the_threads) {
  const std::vector<learning_tensor> tensors{{.offset = 0, .count = 96, .outputs = 8, .inputs = 12},
                                             {.offset = 96, .count = 96, .outputs = 24, .inputs = 4},
                                             {.offset = 192, .count = 8}};
  optimizer exact(muon(), 200, tensors);
  std::vector<double> p = support::gaussian(200, "parameters");
  const std::vector<float> start(p.begin(), p.end());
  std::vector<std::vector<float>> singles;
  for (const int threads : {1, 3}) {
    const support::thread_scope scope(threads);
    basic_optimizer<float> rule(muon(), 200, tensors);
    singles.push_back(start);
    for (const auto& g : gradients_of(200)) rule.update(0.01, std::vector<float>(g.begin(), g.end()), singles.back());
  }
  for (const auto& g : gradients_of(200)) exact.update(0.01, g, p);
  EXPECT_EQ(singles[0], singles[1]);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_NEAR(static_cast<double>(singles[0][i]), p[i], 1e-5);
}

// Learning with it comes near the optimum A* = 1/γ, γ = 1 + 1/n + d/n.
TEST(muon, trains_linear_self_attention) {
  const task_mixture tasks(covariance(std::vector<double>(3, 1.0)));
  lsa_options options;
  options.parameters = parameter_set::full;
  options.steps = 600;
  options.batch = 256;
  options.optimizer = muon(0);
  const matrix exact = times_power_of_two(matrix::identity(3), 0);
  const lsa_training trained = train_lsa(tasks, 20, options, {1, 2}, exact, {}, {});
  const double gamma = 1 + 1.0 / 20 + 3.0 / 20;
  const matrix a = effective_preconditioner(trained.model);
  EXPECT_FALSE(trained.record.diverged);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(a(i, i), 1 / gamma, 0.1);
  EXPECT_EQ(trained.record.w24, -1) << "held";
}

TEST(rate_at, falls_in_a_line_to_the_floor) {
  optimizer_options o;
  o.learning_rate = 0.5;
  o.schedule = schedule_named("linear", "floor = 0.2");
  o.warm_up = 10;
  EXPECT_NEAR(rate_at(o, 4, 110), 0.25, 1e-15);
  EXPECT_EQ(rate_at(o, 10, 110), 0.5);
  EXPECT_NEAR(rate_at(o, 60, 110), 0.3, 1e-15);
  EXPECT_NEAR(rate_at(o, 109, 110), 0.5 * (1 - 0.8 * 0.99), 1e-15);
}

}  // namespace
}  // namespace cotscale
