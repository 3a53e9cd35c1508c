#include "cotscale/eval/roll_out.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/eval/statistics.hpp"
#include "cotscale/linalg/blas.hpp"
#include "reference/lsa.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double infinity = std::numeric_limits<double>::infinity();

prompt_source source_of(int d, int m) {
  std::vector<double> eigenvalues;
  for (int j = 1; j <= d; ++j) eigenvalues.push_back(2.0 * j / (d + 1));
  return {covariance(eigenvalues, random_rotation(d, key_builder("test rotation").key())), m,
          key_builder("test prompts").key()};
}

// A = I/γ plus something that is not symmetric.
lsa_slice slice_of(int d, double c = 1) {
  return {.c = c, .v31 = combination(-0.4 / c, matrix::identity(d), 0.05 / c, support::gaussian(d, d, "v31"))};
}

error_table roll_out_quietly(const roll_out& model, const prompt_source& source, int prompts, int steps) {
  return roll_out_errors(model, source, prompts, steps, std::stop_token());
}

std::vector<double> serial_loop(const roll_out& model, const prompt_source& source, int prompts, int steps) {
  const blas_threads one(1);
  matrix by_prompt(prompts, steps + 1);
  prompt p;
  for (int i = 0; i < prompts; ++i) {
    source.draw(static_cast<std::uint64_t>(i), p);
    model(p, std::span(&by_prompt(i, 0), static_cast<std::size_t>(steps) + 1));
  }
  const matrix by_step = transposed(by_prompt);
  return {by_step.values().begin(), by_step.values().end()};
}

// The first size is for many shards, the second for matrices that BLAS would share among threads if it were let.
TEST(roll_out_errors, are_those_of_a_serial_loop_to_the_bit) {
  constexpr int steps = 5;
  for (const auto& [d, m] : {std::pair(17, 257), std::pair(110, 31)}) {
    const prompt_source source = source_of(d, m);
    const roll_out model = lsa_recursion(slice_of(d));
    for (const int prompts : {1, 2, 31, 97}) {
      const std::vector<double> expected = serial_loop(model, source, prompts, steps);
      for (const int threads : {1, 2, 3}) {
        const support::thread_scope scope(threads);
        EXPECT_TRUE(roll_out_quietly(model, source, prompts, steps).values == expected)
            << "d " << d << ", " << prompts << " prompts, " << threads << " threads";
      }
    }
  }
}

TEST(roll_out_errors, are_a_table_of_steps_by_prompts) {
  const roll_out model = [](const prompt& p, std::span<double> errors) {
    for (std::size_t k = 0; k < errors.size(); ++k) errors[k] = p.w[0] + 100 * static_cast<double>(k);
  };
  const prompt_source source = source_of(1, 1);
  error_table table = roll_out_quietly(model, source, 7, 3);
  EXPECT_EQ(table.steps, 3);
  EXPECT_EQ(table.prompts, 7);
  ASSERT_EQ(table.values.size(), 4U * 7);
  for (int k = 0; k <= 3; ++k) {
    for (std::size_t i = 0; i < 7; ++i) {
      prompt p;
      source.draw(i, p);
      EXPECT_EQ(table.at_step(k)[i], p.w[0] + 100 * k);
    }
  }
}

TEST(roll_out_errors, begin_with_the_squared_norm_of_the_weight) {
  const prompt_source source = source_of(3, 4);
  error_table table = roll_out_quietly(lsa_recursion(slice_of(3)), source, 40, 0);
  for (std::uint64_t i = 0; i < 40; ++i) {
    prompt p;
    source.draw(i, p);
    EXPECT_DOUBLE_EQ(table.at_step(0)[i], p.w[0] * p.w[0] + p.w[1] * p.w[1] + p.w[2] * p.w[2]);
  }
}

TEST(lsa_recursion, agrees_with_the_definition) {
  for (const int d : {1, 2, 7}) {
    for (const int m : {1, 2, 31}) {
      for (const double c : {1.0, -0.5}) {
        const prompt_source source = source_of(d, m);
        const lsa_slice slice = slice_of(d, c);
        const error_table fast = roll_out_quietly(lsa_recursion(slice), source, 33, 10);
        const error_table slow = roll_out_quietly(lsa_definition(full_parameters(slice)), source, 33, 10);
        for (std::size_t i = 0; i < fast.values.size(); ++i) {
          EXPECT_NEAR(fast.values[i], slow.values[i], 1e-10 * std::max(fast.values[i], fast.values[i % 33]))
              << "d " << d << ", m " << m << ", c " << c << ", k " << i / 33;
        }
      }
    }
  }
}

TEST(lsa_definition, rolls_out_parameters_beyond_the_slice) {
  constexpr int d = 2;
  const int rows = 2 * d + 2;
  const lsa_parameters dense{
      .v = combination(0.3, support::gaussian(rows, rows, "v"), 0, matrix(rows, rows)),
      .w = combination(0.3, support::gaussian(rows, rows, "w"), 0, matrix(rows, rows)),
  };
  const prompt_source source = source_of(d, 3);
  prompt p;
  source.draw(8, p);
  std::vector<double> errors(3);
  lsa_definition(dense)(p, errors);
  const matrix estimates = reference::roll_out(dense.v, dense.w, p.x, p.y, 2);
  for (int k = 0; k < 3; ++k) {
    const double expected = std::pow(estimates(k, 0) - p.w[0], 2) + std::pow(estimates(k, 1) - p.w[1], 2);
    EXPECT_NEAR(errors[static_cast<std::size_t>(k)] / expected, 1, 1e-10) << k;
  }
}

TEST(roll_out_errors, of_a_diverging_model_are_infinite_in_the_statistics) {
  const lsa_slice wild{.c = 1, .v31 = combination(-1e80, matrix::identity(3), 0, matrix(3, 3))};
  for (const roll_out& model : {lsa_recursion(wild), lsa_definition(full_parameters(wild))}) {
    error_table table = roll_out_quietly(model, source_of(3, 4), 40, 6);
    EXPECT_TRUE(std::isfinite(summarise(table.at_step(1)).mean));
    for (const int k : {3, 4, 5, 6}) {
      const error_statistics s = summarise(table.at_step(k));
      EXPECT_EQ(s.mean, infinity) << k;
      EXPECT_EQ(s.standard_error, infinity) << k;
      EXPECT_EQ(s.median, infinity) << k;
      EXPECT_EQ(s.diverged_share, 1) << k;
    }
  }
}

TEST(roll_out_errors, stop_when_asked) {
  std::stop_source stop;
  std::atomic<int> calls = 0;
  const support::thread_scope scope(2);
  const roll_out model = [&](const prompt&, std::span<double>) {
    ++calls;
    stop.request_stop();
  };
  EXPECT_THROW(roll_out_errors(model, source_of(17, 1009), 400, 1, stop.get_token()), stopped);
  EXPECT_LT(calls, 400) << "the prompts that were begun are finished, but not all are";
}

TEST(roll_out_errors, pass_on_what_a_model_throws) {
  const support::thread_scope scope(3);
  const roll_out model = [](const prompt&, std::span<double>) { throw numerical_error("no answer"); };
  EXPECT_THAT([&] { roll_out_quietly(model, source_of(2, 2), 97, 1); },
              ThrowsMessage<numerical_error>(HasSubstr("no answer")));
}

TEST(roll_out_errors, need_a_prompt_and_no_negative_steps) {
  const roll_out model = lsa_recursion(slice_of(2));
  EXPECT_THAT([&] { roll_out_quietly(model, source_of(2, 2), 0, 1); },
              ThrowsMessage<precondition_error>(HasSubstr("prompts = 0")));
  EXPECT_THAT([&] { roll_out_quietly(model, source_of(2, 2), 1, -1); },
              ThrowsMessage<precondition_error>(HasSubstr("steps = -1")));
}

}  // namespace
}  // namespace cotscale
