#include "cotscale/train/softmax.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/model/lsa_chain.hpp"
#include "cotscale/train/objective.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/objectives.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

lsa_parameters some_parameters(int d) {
  const int side = lsa_rows{d}.count();
  lsa_parameters out{.v = matrix(side, side), .w = matrix(side, side)};
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j) {
      out.v(i, j) = 0.3 * std::sin(1 + 6 * i + j);
      out.w(i, j) = 0.4 * std::cos(2 + 5 * i - 3 * j);
    }
  }
  return out;
}

prompt small_prompt() {
  prompt p{.x = matrix(2, 3), .y = {}, .w = {0.8, -0.6}};
  const std::vector<double> x{0.5, -1, 1.5, 0.25, 0.75, -0.5};
  std::copy(x.begin(), x.end(), p.x.data());
  for (int j = 0; j < 3; ++j) p.y.push_back(0.8 * p.x(0, j) - 0.6 * p.x(1, j));
  return p;
}

lsa_parameters zeros_like(const lsa_parameters& p) {
  return {.v = matrix(p.v.rows(), p.v.columns()), .w = matrix(p.w.rows(), p.w.columns())};
}

// PyTorch 1.13 in double precision: the loss, Σ dV_ij cos(i + 2j) and Σ dW_ij cos(2i − j) of the layer's definition.
TEST(softmax_objective, agrees_with_pytorch) {
  struct row {
    const char* word;
    bool own_columns;
    int k;
    double loss, of_v, of_w;
  };
  const std::vector<row> rows{
      {"direct", false, 1, 0.49490396744977583, 0.086971515862635032, 0.051341637028566089},
      {"process", false, 3, 0.073878178803745004, 0.018801437533779393, 0.059087777905291614},
      {"outcome", false, 3, 0.45265672026850645, 0.11956028365703816, 0.095818782109890088},
      {"rollout", false, 3, 0.57540831667050185, 0.080248235619052505, 0.12498390074638684},
      {"direct", true, 1, 0.49167023136885235, -0.11972674709442269, -0.027187881158780187},
      {"process", true, 3, 0.063478994060682734, -0.049223314831014275, -0.0088585961849408888},
      {"outcome", true, 3, 0.51237062656988897, -0.79494277298636551, -0.17909614497814877},
      {"rollout", true, 3, 0.52589116295806315, -0.21983823974397715, -0.037486389394775381},
  };
  const lsa_parameters parameters = some_parameters(2);
  const prompt p = small_prompt();
  for (const row& r : rows) {
    softmax_objective objective(r.own_columns);
    lsa_parameters gradient = zeros_like(parameters);
    const auto trained = support::objective_of(r.word, r.k);
    EXPECT_NEAR(objective.add(*trained, r.k, parameters, p, 1, gradient), r.loss, 1e-14);
    EXPECT_NEAR(objective.loss(*trained, r.k, parameters, p).model, r.loss, 1e-14);
    double of_v = 0, of_w = 0;
    for (int i = 0; i < 6; ++i) {
      for (int j = 0; j < 6; ++j) {
        of_v += gradient.v(i, j) * std::cos(i + 2 * j);
        of_w += gradient.w(i, j) * std::cos(2 * i - j);
      }
    }
    EXPECT_NEAR(of_v, r.of_v, 1e-13) << r.word;
    EXPECT_NEAR(of_w, r.of_w, 1e-13) << r.word;
  }
}

// But for rollout, whose gradient does not go through its tokens.
TEST(softmax_objective, has_the_gradient_of_its_loss) {
  const lsa_parameters parameters = some_parameters(2);
  const prompt p = small_prompt();
  for (const std::string& word : support::objective_words()) {
    const auto trained = support::objective_of(word, 4, word == "process" ? "targets = 'gd'\neta = 0.3" : "");
    if (support::stops_gradient(*trained)) continue;
    for (const bool own : {false, true}) {
      const int k = trained->longest_chain();
      softmax_objective objective(own);
      lsa_parameters gradient = zeros_like(parameters);
      objective.add(*trained, k, parameters, p, 2.5, gradient);
      for (const bool of_w : {false, true}) {
        for (int i = 0; i < 36; ++i) {
          const double step = 1e-5;
          lsa_parameters up = parameters, down = parameters;
          (of_w ? up.w : up.v).data()[i] += step;
          (of_w ? down.w : down.v).data()[i] -= step;
          const double slope =
              (objective.loss(*trained, k, up, p).model - objective.loss(*trained, k, down, p).model) / (2 * step);
          EXPECT_NEAR((of_w ? gradient.w : gradient.v).data()[i], 2.5 * slope, 1e-8) << i;
        }
      }
    }
  }
}

TEST(softmax_chain, averages_the_examples_where_scores_are_equal) {
  lsa_parameters parameters = some_parameters(2);
  std::fill_n(parameters.w.data(), parameters.w.size(), 0.0);
  const prompt p = small_prompt();
  softmax_chain chain(false);
  chain.start(p);
  const auto o = chain.apply(parameters);
  const std::vector<double> mean{1.0 / 3, 0.5 / 3, (p.y[0] + p.y[1] + p.y[2]) / 3};
  for (int i = 0; i < 6; ++i) {
    double expected = i == 5 ? 1 : 0;
    for (int j = 0; j < 3; ++j) expected += parameters.v(i, j) * mean[static_cast<std::size_t>(j)];
    EXPECT_NEAR(o[static_cast<std::size_t>(i)], expected, 1e-15);
  }
}

TEST(softmax_objective, knows_the_loss_of_the_estimate_zero) {
  const prompt p = small_prompt();
  softmax_objective objective(false);
  const auto direct = objective_named("direct");
  EXPECT_NEAR(objective.loss(*direct, 1, some_parameters(2), p).zero, 0.5, 1e-15) << "½ |w|²";
  const auto process = objective_named("process", "k_train = 2");
  EXPECT_NEAR(objective.loss(*process, 2, some_parameters(2), p).zero, 0.25 * (0.25 + 0.5625), 1e-15);
}

softmax_options short_training() {
  softmax_options out;
  out.learning.steps = 400;
  out.learning.batch = 64;
  out.learning.parameters = parameter_set::slice;
  out.learning.optimizer.learning_rate = 0.02;
  return out;
}

TEST(train_softmax, learns_and_does_not_depend_on_threads) {
  const task_mixture tasks(covariance(std::vector<double>(2, 1.0)));
  softmax_options options = short_training();
  const std::vector<std::int64_t> first{0};
  std::vector<softmax_training> runs;
  for (const int threads : {1, 3}) {
    const support::thread_scope scope(threads);
    runs.push_back(train_softmax(tasks, 20, options, {1, 2}, first, {}));
  }
  EXPECT_EQ(runs[0].model.v, runs[1].model.v);
  EXPECT_EQ(runs[0].record.final_loss, runs[1].record.final_loss);
  EXPECT_FALSE(runs[0].record.diverged);
  EXPECT_NEAR(runs[0].record.loss[0], 1, 0.3) << "½ E|w|² = d/2 at first, where V = 0";
  EXPECT_LT(runs[0].record.final_loss, 0.6 * runs[0].record.loss[0]);
  EXPECT_EQ(runs[0].model.w, full_parameters({.c = 1, .v31 = matrix(2, 2)}).w) << "held on the slice";
}

TEST(train_softmax, tells_of_divergence) {
  softmax_options options = short_training();
  options.learning.optimizer.rule = update_rule_named("gd");
  options.learning.optimizer.learning_rate = 1e6;
  const task_mixture tasks(covariance(std::vector<double>(2, 1.0)));
  EXPECT_TRUE(train_softmax(tasks, 20, options, {1, 2}, {}, {}).record.diverged);
}

}  // namespace
}  // namespace cotscale
