#include "cotscale/train/lsa_objective.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "reference/lsa.hpp"
#include "reference/matrix.hpp"
#include "support/explicit_lanes.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"
#include "support/objectives.hpp"

namespace cotscale {
namespace {

using support::gaussian;
using support::is_gradient;

covariance spectrum(int d) {
  std::vector<double> values;
  for (int j = 1; j <= d; ++j) values.push_back(1.5 / j);
  return {values, random_rotation(d, key_builder("spectrum").key())};
}

std::vector<prompt> prompts_of(int d, int n) {
  return support::eight_prompts(spectrum(d), n, key_builder("prompts").key());
}

// V above W.
lsa_parameters split(const matrix& both) {
  const int size = both.columns();
  return {.v = both.block(0, 0, size, size), .w = both.block(size, 0, size, size)};
}

matrix joined(const lsa_parameters& p) {
  matrix both(2 * p.v.rows(), p.v.columns());
  both.set_block(0, 0, p.v);
  both.set_block(p.v.rows(), 0, p.w);
  return both;
}

matrix random_weights(int d, std::string_view name) {
  const int size = 2 * d + 2;
  return reference::combination(0.3 / std::sqrt(size), gaussian(2 * size, size, name), 0, matrix(2 * size, size));
}

struct example {
  std::string name;
  std::shared_ptr<const training_objective> objective;
};

std::vector<example> objectives(int k) {
  std::vector<example> out;
  for (const std::string& word : support::objective_words()) out.push_back({word, support::objective_of(word, k)});
  out.push_back({"process, gd", support::objective_of("process", k, "targets = 'gd'\neta = 0.3")});
  return out;
}

struct loss_and_gradient {
  double loss;
  matrix gradient;
};

loss_and_gradient evaluate(const training_objective& objective, const matrix& both, const prompt_lanes& prompt,
                           int prompts = lane_count, double weight = 1.0 / lane_count) {
  objective_lanes lanes;
  lsa_gradient_sum sum;
  const lsa_parameters p = split(both);
  lsa_parameters transposed;
  transpose_into(p, transposed);
  sum.start(prompt.w.rows(), lane_count * objective.longest_chain());
  const double loss = lanes.add(objective, objective.longest_chain(), p, transposed, prompt, prompts, weight, sum);
  return {loss, joined(sum.finish())};
}

matrix with_column(const matrix& e, const matrix& column) {
  matrix out(e.rows(), e.columns() + 1);
  out.set_block(0, 0, e);
  out.set_block(0, e.columns(), column);
  return out;
}

// Losses by the definition of attention, one prompt at a time, on the tokens that the model `tokens` makes: where they
// are constants, `tokens` is not the model to be differentiated.
double plain_loss(const training_objective& objective, const lsa_parameters& p, const lsa_parameters& tokens,
                  const prompt& one) {
  const int d = one.x.rows();
  const int n = one.x.columns();
  const objective_form form = objective.form();
  const int k = objective.longest_chain();
  matrix e = reference::embedding(one.x, one.y);
  std::vector<double> target = one.w;
  std::vector<double> estimate(one.w.size(), 0.0);
  double sum = 0;
  for (int i = 0; i < k; ++i) {
    if (form.taught) {
      for (std::size_t a = 0; a < target.size(); ++a) {
        double change = one.w[a] - estimate[a];
        if (form.taught->targets == process_targets::gradient_descent) {
          change = 0;
          for (std::size_t b = 0; b < target.size(); ++b) {
            const double s = reference::gram(1.0 / n, one.x)(static_cast<int>(a), static_cast<int>(b));
            change += s * (one.w[b] - estimate[b]);
          }
        }
        target[a] = estimate[a] + form.taught->eta * change;
      }
      estimate = target;
    }
    const matrix residual = reference::direct_residual(reference::attend(p.v, p.w, e, n), target);
    if (!form.last_estimate) sum += 0.5 * reference::squared_norm(residual) / k;
    if (form.last_estimate && i == k - 1) sum += 0.5 * reference::squared_norm(residual.block(d + 1, 0, d, 1));
    if (form.taught) {
      matrix token(2 * d + 2, 1);
      for (int a = 0; a < d; ++a) token(d + 1 + a, 0) = estimate[static_cast<std::size_t>(a)];
      token(2 * d + 1, 0) = 1;
      e = with_column(e, token);
    } else {
      e = with_column(e, reference::attend(tokens.v, tokens.w, e, n).block(0, e.columns() - 1, e.rows(), 1));
    }
  }
  return sum;
}

double mean_loss(const training_objective& o, const matrix& both, const matrix& tokens,
                 const std::vector<prompt>& all) {
  double sum = 0;
  for (const prompt& one : all) sum += plain_loss(o, split(both), split(tokens), one) / static_cast<double>(all.size());
  return sum;
}

TEST(objective, is_what_it_says_it_is) {
  for (const int d : {1, 2, 5}) {
    for (const int n : {1, 3, 12}) {
      for (const example& o : objectives(3)) {
        const std::vector<prompt> all = prompts_of(d, n);
        const matrix weights = random_weights(d, "weights");
        const double expected = mean_loss(*o.objective, weights, weights, all);
        EXPECT_NEAR(evaluate(*o.objective, weights, support::side_by_side(all)).loss, expected, 1e-12 * expected)
            << o.name << ", d = " << d << ", n = " << n;
      }
    }
  }
}

TEST(objective, has_its_slope_in_random_directions) {
  for (const int d : {1, 2, 3, 7}) {
    for (const int n : {1, 3, 12}) {
      for (const example& o : objectives(3)) {
        const prompt_lanes prompt = support::side_by_side(prompts_of(d, n));
        const matrix point = random_weights(d, "point");
        const matrix gradient = evaluate(*o.objective, point, prompt).gradient;
        // Tokens without a gradient stay those of `point`.
        const std::vector<struct prompt> all = prompts_of(d, n);
        const bool frozen = support::stops_gradient(*o.objective);
        const auto loss = [&](const matrix& both) {
          return frozen ? mean_loss(*o.objective, both, point, all) : evaluate(*o.objective, both, prompt).loss;
        };
        for (const char* name : {"first", "second"}) {
          EXPECT_TRUE(is_gradient(gradient, loss, point, random_weights(d, name), 3e-5, 1e-6))
              << o.name << ", d = " << d << ", n = " << n;
        }
      }
    }
  }
}

// The tokens' part of the gradient shows: what outcome has and rollout has not.
TEST(objective, would_be_told_from_one_with_another_gradient_through_its_tokens) {
  const prompt_lanes prompt = support::side_by_side(prompts_of(3, 5));
  const matrix point = random_weights(3, "point");
  const auto rollout = objective_named("rollout", "k_train = 3");
  const auto outcome = objective_named("outcome", "k_train = 3");
  const auto passes = [&](const training_objective& o, const matrix& gradient) {
    const auto loss = [&](const matrix& both) { return evaluate(o, both, prompt).loss; };
    return is_gradient(gradient, loss, point, random_weights(3, "first"), 3e-5, 1e-6);
  };
  EXPECT_FALSE(passes(*rollout, evaluate(*rollout, point, prompt).gradient)) << "it is stopped";
  const matrix right = evaluate(*outcome, point, prompt).gradient;
  EXPECT_TRUE(passes(*outcome, right));
  EXPECT_FALSE(passes(*outcome, reference::combination(1.001, right, 0, right)));
  EXPECT_FALSE(passes(*outcome, evaluate(*objective_named("outcome", "k_train = 2"), point, prompt).gradient));
}

TEST(objective, leaves_out_prompts_beyond_the_batch) {
  std::vector<prompt> all = prompts_of(2, 4);
  const prompt_lanes eight = support::side_by_side(all);
  const matrix weights = random_weights(2, "weights");
  for (const example& o : objectives(2)) {
    const loss_and_gradient three = evaluate(*o.objective, weights, eight, 3, 1.0 / 3);
    const std::vector<prompt> kept(all.begin(), all.begin() + 3);
    EXPECT_NEAR(three.loss, mean_loss(*o.objective, weights, weights, kept), 1e-12 * three.loss) << o.name;
    std::vector<prompt> others = all;
    for (std::size_t i = 3; i < others.size(); ++i) others[i] = all[0];
    EXPECT_EQ(evaluate(*o.objective, weights, support::side_by_side(others), 3, 1.0 / 3).gradient, three.gradient)
        << o.name;
  }
}

TEST(objective, of_one_step_is_direct_for_rollout) {
  const prompt_lanes prompt = support::side_by_side(prompts_of(3, 5));
  const matrix weights = random_weights(3, "weights");
  const loss_and_gradient direct = evaluate(*objective_named("direct"), weights, prompt);
  const loss_and_gradient rollout = evaluate(*objective_named("rollout", "k_train = 1"), weights, prompt);
  EXPECT_EQ(direct.loss, rollout.loss);
  EXPECT_EQ(direct.gradient, rollout.gradient);
}

TEST(objective, refuses_what_does_not_fit) {
  objective_lanes lanes;
  lsa_gradient_sum sum;
  sum.start(2, 16);
  const lsa_parameters p = split(random_weights(2, "weights"));
  const prompt_lanes prompt = support::side_by_side(prompts_of(2, 4));
  EXPECT_THROW(lanes.add(*objective_named("direct"), 2, p, p, prompt, 8, 1, sum), precondition_error)
      << "direct has one step";
  EXPECT_THROW(lanes.add(*objective_named("direct"), 0, p, p, prompt, 8, 1, sum), precondition_error);
  EXPECT_THROW(lanes.add(*objective_named("direct"), 1, p, p, prompt, 0, 1, sum), precondition_error);
  EXPECT_THROW(lanes.add(*objective_named("direct"), 1, p, p, prompt, 9, 1, sum), precondition_error);
}

}  // namespace
}  // namespace cotscale
