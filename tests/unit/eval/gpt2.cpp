#include "cotscale/eval/gpt2.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/gpt2_tokens.hpp"
#include "support/matrices.hpp"
#include "support/positions.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

gpt2_model random_model() {
  const gpt2_layout layout({.d = 3, .size = {2, 2, 16}, .examples = 6, .chain = 5});
  gpt2_model out{layout.configuration(), {}};
  for (const double value : support::gaussian(static_cast<int>(layout.size()), "model")) {
    out.parameters.push_back(static_cast<float>(0.3 * value));
  }
  return out;
}

matrix preconditioner() { return matrix::diagonal(std::vector<double>{0.4, 0.7, 1.2}); }

prompt_source source(int m) { return {covariance(std::vector<double>{2, 1, 0.5}), m, {5, 6}}; }

TEST(evaluate_gpt2, measures_the_chain) {
  const gpt2_model model = random_model();
  for (const int m : {6, 4}) {
    error_table errors = evaluate_gpt2(model, preconditioner(), 4, source(m), 70, {}).errors;
    ASSERT_EQ(errors.rows, 5);
    for (const int i : {0, 63, 69}) {
      // One prompt, recomputed from its beginning for every step.
      std::vector<prompt> p(1);
      source(m).draw(static_cast<std::uint64_t>(i), p[0]);
      double none = 0;
      for (const double w : p[0].w) none += w * w;
      EXPECT_DOUBLE_EQ(errors.row(0)[static_cast<std::size_t>(i)], none);
      matrix estimates(4, 3);
      for (int k = 1; k <= 4; ++k) {
        gpt2_pass<float> afresh(gpt2_layout(model.configuration), gpt2_pass<float>::keep::all);
        start_prompts<float>(p, k, afresh);
        for (int j = 1; j < k; ++j) {
          for (int c = 0; c < 3; ++c) afresh.token(2 * m + j).row(0)[c] = static_cast<float>(estimates(j - 1, c));
          afresh.token(2 * m + j).row(0)[3] = 1;
        }
        afresh.forward(model.parameters, 0, 2 * m + k);
        double square = 0;
        for (int c = 0; c < 3; ++c) {
          estimates(k - 1, c) = static_cast<double>(afresh.output(k - 1).row(0)[c]);
          const double gap = estimates(k - 1, c) - p[0].w[static_cast<std::size_t>(c)];
          square += gap * gap;
        }
        EXPECT_NEAR(errors.row(k)[static_cast<std::size_t>(i)], square, 1e-3 * square) << "prompt " << i << ", k " << k;
      }
    }
  }
}

TEST(evaluate_gpt2, compares_steps_with_newton_steps) {
  const gpt2_model model = random_model();
  constexpr int steps = 3, count = 40;
  std::vector<prompt> prompts(count);
  std::vector<matrix> chains(count);
  const auto keep = [&](int i, const prompt& p, const matrix& estimates) {
    prompts[static_cast<std::size_t>(i)] = p;
    chains[static_cast<std::size_t>(i)] = estimates;
  };
  roll_out_gpt2(model, steps, source(5), count, keep, {});
  const chain_evaluation measured = evaluate_gpt2(model, preconditioner(), steps, source(5), count, {});
  for (int k = 0; k < steps; ++k) {
    double nn = 0, ns = 0, ss = 0;
    for (std::size_t i = 0; i < count; ++i) {
      matrix s(3, 3);
      gram(1.0 / 5, prompts[i].x, s);
      for (int row = 0; row < 3; ++row) {
        double newton = 0;
        for (int j = 0; j < 3; ++j) newton += s(row, j) * (prompts[i].w[static_cast<std::size_t>(j)] - chains[i](k, j));
        newton *= preconditioner()(row, row);
        const double step = chains[i](k + 1, row) - chains[i](k, row);
        nn += newton * newton;
        ns += newton * step;
        ss += step * step;
      }
    }
    EXPECT_NEAR(measured.newton_slope[static_cast<std::size_t>(k)], ns / nn, 1e-12) << k;
    EXPECT_NEAR(measured.newton_r2[static_cast<std::size_t>(k)], ns * ns / (nn * ss), 1e-12) << k;
  }
  EXPECT_TRUE(std::isnan(measured.newton_slope[steps]) && std::isnan(measured.newton_r2[steps]));
}

TEST(evaluate_gpt2, does_not_depend_on_threads) {
  const gpt2_model model = random_model();
  const chain_evaluation once = evaluate_gpt2(model, preconditioner(), 5, source(6), 200, {});
  const support::thread_scope scope(3);
  const chain_evaluation again = evaluate_gpt2(model, preconditioner(), 5, source(6), 200, {});
  EXPECT_EQ(again.errors.values, once.errors.values);
  for (std::size_t k = 0; k < 5; ++k) {
    EXPECT_EQ(again.newton_slope[k], once.newton_slope[k]);
    EXPECT_EQ(again.newton_r2[k], once.newton_r2[k]);
  }
}

TEST(evaluate_gpt2, refuses_what_was_not_trained) {
  const gpt2_model model = random_model();
  const auto evaluate = [&](int steps, int m) { evaluate_gpt2(model, preconditioner(), steps, source(m), 8, {}); };
  EXPECT_NO_THROW(evaluate(5, 6));
  EXPECT_THROW(evaluate(6, 6), precondition_error);
  EXPECT_THROW(evaluate(0, 6), precondition_error);
  EXPECT_THROW(evaluate(5, 7), precondition_error);
  const prompt_source other(covariance({1.0, 1.0}), 6, {5, 6});
  EXPECT_THROW(evaluate_gpt2(model, preconditioner(), 5, other, 8, {}), precondition_error);
}

TEST(evaluate_gpt2, goes_beyond_training_where_positions_allow) {
  for (const gpt2_configuration& c : support::with_all_positions(random_model().configuration)) {
    const gpt2_layout layout(c);
    gpt2_model model{c, {}};
    for (const double value : support::gaussian(static_cast<int>(layout.size()), "model")) {
      model.parameters.push_back(static_cast<float>(0.3 * value));
    }
    const auto evaluate = [&](int steps, int m) {
      return evaluate_gpt2(model, preconditioner(), steps, source(m), 8, {}).errors;
    };
    error_table shorter = evaluate(5, 6);
    if (c.weights == weight_positions::own) {
      EXPECT_THROW(evaluate(9, 6), precondition_error);
    } else {
      error_table longer = evaluate(9, 6);
      for (int k = 0; k <= 5; ++k) {
        for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(longer.row(k)[i], shorter.row(k)[i]) << "it goes on";
      }
      EXPECT_TRUE(std::isfinite(longer.row(9)[7]));
      EXPECT_NE(longer.row(9)[7], longer.row(5)[7]);
    }
    if (c.positions == example_positions::learned) {
      EXPECT_THROW(evaluate(5, 11), precondition_error);
    } else {
      EXPECT_TRUE(std::isfinite(evaluate(5, 11).row(5)[7]));
    }
  }
}

TEST(evaluate_gpt2, stops_when_asked) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(evaluate_gpt2(random_model(), preconditioner(), 5, source(6), 8, stop.get_token()), stopped);
}

}  // namespace
}  // namespace cotscale
