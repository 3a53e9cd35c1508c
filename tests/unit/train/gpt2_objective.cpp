#include "cotscale/train/gpt2_objective.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/model/gpt2_tokens.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"
#include "support/objectives.hpp"
#include "support/transposed_maps.hpp"

namespace cotscale {
namespace {

using support::gaussian;
using support::is_gradient;

constexpr int d = 3, n = 4, steps = 3;
constexpr gpt2_configuration configuration{.d = d, .size = {2, 2, 8}, .examples = n, .chain = steps};

std::vector<prompt> some_prompts(int count) {
  const prompt_source source(covariance(std::vector<double>{1.5, 1, 0.5}), n, {3, 4});
  std::vector<prompt> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) source.draw(i, out[i]);
  return out;
}

matrix random_parameters(const gpt2_layout& layout) {
  matrix out = gaussian(static_cast<int>(layout.size()), 1, "parameters");
  for (double& value : out.values()) value *= 0.4;
  return out;
}

struct outcome_of_add {
  double loss;
  matrix gradient;
  std::vector<matrix> outputs;  // (B, d) each
};

outcome_of_add add(const training_objective& objective, int k, const matrix& parameters,
                   const std::vector<prompt>& prompts, double weight = 0.5) {
  const gpt2_layout layout(configuration);
  gpt2_objective<double> loss(layout);
  outcome_of_add out{0, matrix(parameters.rows(), 1), {}};
  out.loss = loss.add(objective, k, parameters.values(), support::transposed_maps(layout, parameters.values()), prompts,
                      weight, out.gradient.values());
  for (int i = 0; i < k; ++i) {
    out.outputs.emplace_back(static_cast<int>(prompts.size()), d);
    std::copy_n(loss.output(i).data, out.outputs.back().size(), out.outputs.back().data());
  }
  return out;
}

double half_square(const matrix& outputs, int b, const std::vector<double>& target) {
  double sum = 0;
  for (int j = 0; j < d; ++j) sum += 0.5 * std::pow(outputs(b, j) - target[static_cast<std::size_t>(j)], 2);
  return sum;
}

std::shared_ptr<const training_objective> with(const std::string& word, const char* targets = "geometric") {
  const bool taught = word == "process";
  return support::objective_of(word, steps, taught ? fmt::format("targets = '{}'\neta = 0.3", targets) : "");
}

TEST(gpt2_objective, measures_the_weight_at_its_tokens) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout);
  const std::vector<prompt> prompts = some_prompts(2);
  for (const std::string& word : support::objective_words()) {
    const objective_form form = with(word)->form();
    if (form.taught) continue;
    const int k = with(word)->longest_chain();
    const outcome_of_add found = add(*with(word), k, parameters, prompts);
    double expected = 0;
    for (int i = 0; i < k; ++i) {
      if (form.last_estimate && i < k - 1) continue;
      for (int b = 0; b < 2; ++b) {
        expected += 0.5 *
                    half_square(found.outputs[static_cast<std::size_t>(i)], b, prompts[static_cast<std::size_t>(b)].w) /
                    (form.last_estimate ? 1 : k);
      }
    }
    EXPECT_NEAR(found.loss, expected, 1e-12);
  }
}

// w_1 … w_k by the definitions of process_targets.
std::vector<std::vector<double>> chain_by_hand(const prompt& p, const std::string& targets, double eta) {
  std::vector<std::vector<double>> out{std::vector<double>(d)};
  for (int i = 0; i < steps; ++i) {
    std::vector<double> next = out.back();
    for (int j = 0; j < d; ++j) {
      double change = p.w[static_cast<std::size_t>(j)] - out.back()[static_cast<std::size_t>(j)];
      if (targets == "gd") {
        change = 0;
        for (int e = 0; e < n; ++e) {
          double residual = p.y[static_cast<std::size_t>(e)];
          for (int l = 0; l < d; ++l) residual -= out.back()[static_cast<std::size_t>(l)] * p.x(l, e);
          change += p.x(j, e) * residual / n;
        }
      }
      next[static_cast<std::size_t>(j)] += eta * change;
    }
    out.push_back(next);
  }
  return out;
}

TEST(gpt2_objective, teaches_the_steps_of_a_process) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout);
  const std::vector<prompt> prompts = some_prompts(2);
  for (const char* targets : {"geometric", "gd"}) {
    gpt2_pass<double> pass(layout, gpt2_pass<double>::keep::all);
    start_prompts<double>(prompts, steps, pass);
    double expected = 0;
    std::vector<std::vector<std::vector<double>>> chains;
    for (const prompt& p : prompts) chains.push_back(chain_by_hand(p, targets, 0.3));
    for (int i = 1; i < steps; ++i) {
      for (int b = 0; b < 2; ++b) {
        double* token = pass.token(2 * n + i).row(b);
        for (int j = 0; j < d; ++j)
          token[j] = chains[static_cast<std::size_t>(b)][static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
        token[d] = 1;
      }
    }
    pass.forward(parameters.values(), 0, 2 * n + steps);
    for (int i = 0; i < steps; ++i) {
      matrix output(2, d);
      std::copy_n(pass.output(i).data, output.size(), output.data());
      for (int b = 0; b < 2; ++b) {
        expected +=
            0.5 / steps * half_square(output, b, chains[static_cast<std::size_t>(b)][static_cast<std::size_t>(i) + 1]);
      }
    }
    EXPECT_NEAR(add(*with("process", targets), steps, parameters, prompts).loss, expected, 1e-12);
  }
}

TEST(gpt2_objective, has_the_gradient_of_the_loss) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout), direction = gaussian(parameters.rows(), 1, "direction");
  const std::vector<prompt> prompts = some_prompts(3);
  std::vector<std::shared_ptr<const training_objective>> all{with("process", "gd")};
  for (const std::string& word : support::objective_words()) all.push_back(with(word));
  for (const auto& o : all) {
    if (support::stops_gradient(*o)) continue;
    const int k = o->longest_chain();
    const auto loss = [&](const matrix& p) { return add(*o, k, p, prompts).loss; };
    const matrix gradient = add(*o, k, parameters, prompts).gradient;
    EXPECT_TRUE(is_gradient(gradient, loss, parameters, direction, 1e-5, 1e-6));
    EXPECT_FALSE(is_gradient(combination(1.001, gradient, 0, gradient), loss, parameters, direction, 1e-5, 1e-6))
        << "the checker can tell";
  }
}

TEST(gpt2_objective, sends_no_gradient_through_the_tokens_of_a_rollout) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout), direction = gaussian(parameters.rows(), 1, "direction");
  const std::vector<prompt> prompts = some_prompts(2);
  const outcome_of_add found = add(*with("rollout"), steps, parameters, prompts);
  const auto held = [&](const matrix& p) {  // the same loss, weight tokens as they were
    gpt2_pass<double> pass(layout, gpt2_pass<double>::keep::all);
    start_prompts<double>(prompts, steps, pass);
    for (int i = 1; i < steps; ++i) {
      for (int b = 0; b < 2; ++b) {
        for (int j = 0; j < d; ++j)
          pass.token(2 * n + i).row(b)[j] = found.outputs[static_cast<std::size_t>(i) - 1](b, j);
        pass.token(2 * n + i).row(b)[d] = 1;
      }
    }
    pass.forward(p.values(), 0, 2 * n + steps);
    double loss = 0;
    for (int i = 0; i < steps; ++i) {
      matrix output(2, d);
      std::copy_n(pass.output(i).data, output.size(), output.data());
      for (int b = 0; b < 2; ++b) loss += 0.5 / steps * half_square(output, b, prompts[static_cast<std::size_t>(b)].w);
    }
    return loss;
  };
  EXPECT_NEAR(found.loss, held(parameters), 1e-12);
  EXPECT_TRUE(is_gradient(found.gradient, held, parameters, direction, 1e-5, 1e-6));
  const auto through = [&](const matrix& p) { return add(*with("rollout"), steps, p, prompts).loss; };
  EXPECT_FALSE(is_gradient(found.gradient, through, parameters, direction, 1e-5, 1e-6));
}

// Chains of other lengths, and more prompts, leave their traces in memory that is used again.
TEST(gpt2_objective, does_not_know_what_it_did_before) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout);
  const std::vector<prompt> prompts = some_prompts(2), others = some_prompts(5);
  for (const std::string word : {"process", "outcome", "rollout"}) {
    gpt2_objective<double> used(layout);
    for (const int k : {3, 1, 2}) {
      matrix discarded(parameters.rows(), 1), again = discarded;
      used.add(*with(word), steps, parameters.values(), support::transposed_maps(layout, parameters.values()), others,
               1, discarded.values());
      used.add(*with(word), k, parameters.values(), support::transposed_maps(layout, parameters.values()), prompts, 0.5,
               again.values());
      EXPECT_EQ(again, add(*with(word), k, parameters, prompts).gradient) << "k = " << k;
    }
  }
}

TEST(gpt2_objective, adds_to_the_gradient) {
  const gpt2_layout layout(configuration);
  const matrix parameters = random_parameters(layout);
  const std::vector<prompt> prompts = some_prompts(2);
  gpt2_objective<double> loss(layout);
  matrix gradient(parameters.rows(), 1);
  loss.add(*with("outcome"), 2, parameters.values(), support::transposed_maps(layout, parameters.values()), prompts, 1,
           gradient.values());
  const matrix once = gradient;
  loss.add(*with("outcome"), 2, parameters.values(), support::transposed_maps(layout, parameters.values()), prompts, 1,
           gradient.values());
  EXPECT_TRUE(support::close(gradient, combination(2, once, 0, once), 1e-12));
}

}  // namespace
}  // namespace cotscale
