// Training on prompts of every distribution, with noise of labels and without.
#include <gtest/gtest.h>

#include <cmath>

#include "cotscale/task/lane_sampler.hpp"
#include "cotscale/task/moments.hpp"
#include "cotscale/train/lsa.hpp"
#include "cotscale/train/lsa_objective.hpp"
#include "cotscale/train/lsa_population.hpp"
#include "reference/lsa.hpp"
#include "reference/matrix.hpp"
#include "support/distributions.hpp"
#include "support/gradient_check.hpp"

namespace cotscale {
namespace {

constexpr int d = 4;

TEST(descend, ends_at_the_optimum_of_every_distribution) {
  for (const double noise : {0.0, 0.7}) {
    for (const auto& [name, task] : support::all_distributions(d, noise)) {
      for (const int n : {1, 6}) {
        const prompt_moments m = moments(task, n);
        const matrix best = optimal_preconditioner(task, n);
        const auto trained = descend(m, {}, {}, {});
        EXPECT_TRUE(trained.record.converged) << name;
        EXPECT_TRUE(support::close(preconditioner(trained.model), best, 1e-8)) << name << ", noise " << noise;
        EXPECT_TRUE(closed_form(m, best, 1, {}).record.converged) << name;
      }
    }
  }
}

TEST(train_lsa, comes_near_the_optimum_with_noise_and_features_of_every_kind) {
  for (const auto& [name, task] : support::all_distributions(2, 0.5)) {
    const matrix best = optimal_preconditioner(task, 10);
    lsa_options options;
    options.parameters = parameter_set::slice;
    options.steps = 1500;
    options.batch = 64;
    const auto trained = train_lsa(task_mixture(task), 10, options, {3, 4}, best, {}, {});
    const matrix without = optimal_preconditioner(prompt_distribution(task.lambda, task.features), 10);
    const matrix gap = reference::combination(1, without, -1, best);
    const double apart = std::sqrt(reference::inner(gap, gap) / reference::inner(best, best));
    EXPECT_LT(trained.record.final_preconditioner_distance, 0.4 * apart) << name;
  }
}

struct example {
  const char* name;
  std::shared_ptr<const training_objective> objective;
};

std::vector<example> objectives() {
  return {{"direct", objective_named("direct")},
          {"process, gd", objective_named("process", "k_train = 3\ntargets = 'gd'\neta = 0.3")},
          {"outcome", objective_named("outcome", "k_train = 3")},
          {"rollout", objective_named("rollout", "k_train = 1")}};
}

prompt_lanes noisy_prompts(int m, std::vector<prompt>& prompts) {
  const prompt_source source({support::some_covariance(d), gaussian_features(), 0.7}, m, {5, 6});
  prompt_lanes out;
  prompts.resize(lane_count);
  start_lanes(d, m, true, out);
  for (int lane = 0; lane < lane_count; ++lane) {
    source.draw(static_cast<std::uint64_t>(lane), prompts[static_cast<std::size_t>(lane)]);
    put_prompt(prompts[static_cast<std::size_t>(lane)], lane, out);
  }
  return out;
}

lsa_parameters split(const matrix& both) {
  const int size = both.columns();
  return {.v = both.block(0, 0, size, size), .w = both.block(size, 0, size, size)};
}

matrix random_weights(const char* name) {
  constexpr int size = 2 * d + 2;
  return reference::combination(0.1, support::gaussian(2 * size, size, name), 0, matrix(2 * size, size));
}

double loss_and_gradient(const training_objective& objective, const matrix& both, const prompt_lanes& prompt,
                         matrix* gradient) {
  objective_lanes lanes;
  lsa_gradient_sum sum;
  const lsa_parameters p = split(both);
  lsa_parameters transposed;
  transpose_into(p, transposed);
  sum.start(d, lane_count * objective.longest_chain());
  const double loss =
      lanes.add(objective, objective.longest_chain(), p, transposed, prompt, lane_count, 1.0 / lane_count, sum);
  const lsa_parameters& g = sum.finish();
  if (gradient != nullptr) {
    *gradient = matrix(2 * g.v.rows(), g.v.columns());
    gradient->set_block(0, 0, g.v);
    gradient->set_block(g.v.rows(), 0, g.w);
  }
  return loss;
}

TEST(objectives, have_the_gradients_of_noisy_prompts) {
  const matrix both = random_weights("weights"), direction = random_weights("direction");
  std::vector<prompt> prompts;
  for (const int m : {2, 9}) {
    const prompt_lanes lanes = noisy_prompts(m, prompts);
    for (const auto& [name, objective] : objectives()) {
      matrix gradient;
      loss_and_gradient(*objective, both, lanes, &gradient);
      const auto loss = [&](const matrix& at) { return loss_and_gradient(*objective, at, lanes, nullptr); };
      EXPECT_TRUE(support::is_gradient(gradient, loss, both, direction, 1e-5, 1e-7)) << name << ", m = " << m;
    }
  }
}

TEST(objectives, have_the_losses_of_noisy_prompts) {
  const matrix both = random_weights("weights");
  const lsa_parameters p = split(both);
  std::vector<prompt> prompts;
  const prompt_lanes lanes = noisy_prompts(3, prompts);
  double expected = 0;
  for (const prompt& one : prompts) {
    const matrix f = reference::attend(p.v, p.w, reference::embedding(one.x, one.y), 3);
    const matrix rest = reference::direct_residual(f, one.w);
    expected += 0.5 * reference::inner(rest, rest) / lane_count;
  }
  EXPECT_NEAR(loss_and_gradient(*objective_named("direct"), both, lanes, nullptr), expected, 1e-12 * expected);
}

// With V = 0 and W = 0 the outputs are the tokens: the loss of `process` is that of the steps between its targets.
TEST(objectives, teach_descent_on_the_labels) {
  std::vector<prompt> prompts;
  const prompt_lanes lanes = noisy_prompts(5, prompts);
  const auto objective = objective_named("process", "k_train = 3\ntargets = 'gd'\neta = 0.3");
  double expected = 0;
  for (const prompt& one : prompts) {
    std::vector<double> w(d);
    for (int step = 0; step < 3; ++step) {
      std::vector<double> change(d);
      for (std::size_t i = 0; i < one.y.size(); ++i) {
        double rest = one.y[i];
        for (int j = 0; j < d; ++j) rest -= one.x(j, static_cast<int>(i)) * w[static_cast<std::size_t>(j)];
        for (int j = 0; j < d; ++j)
          change[static_cast<std::size_t>(j)] += 0.3 * rest * one.x(j, static_cast<int>(i)) / 5;
      }
      for (std::size_t j = 0; j < w.size(); ++j) {
        w[j] += change[j];
        expected += 0.5 * change[j] * change[j] / 3 / lane_count;
      }
    }
  }
  const matrix nothing(2 * (2 * d + 2), 2 * d + 2);
  EXPECT_NEAR(loss_and_gradient(*objective, nothing, lanes, nullptr), expected, 1e-12 * expected);
}

}  // namespace
}  // namespace cotscale
