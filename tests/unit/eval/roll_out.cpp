#include "cotscale/eval/roll_out.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stop_token>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/eval/lsa.hpp"
#include "cotscale/eval/statistics.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/pseudo_newton.hpp"
#include "reference/lsa.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double infinity = std::numeric_limits<double>::infinity();

covariance sigma_of(int d) {
  std::vector<double> eigenvalues;
  for (int j = 1; j <= d; ++j) eigenvalues.push_back(2.0 * j / (d + 1));
  return {eigenvalues, random_rotation(d, key_builder("test rotation").key())};
}

prompt_source source_of(int d, int m) { return {sigma_of(d), m, key_builder("test prompts").key()}; }

// Prompts with examples and without.
std::vector<std::unique_ptr<lane_source>> sources_of(int d, int m) {
  std::vector<std::unique_ptr<lane_source>> out;
  out.push_back(std::make_unique<explicit_prompts>(source_of(d, m)));
  out.push_back(std::make_unique<wishart_prompts>(sigma_of(d), m, key_builder("test prompts").key()));
  return out;
}

// A = I/γ plus something that is not symmetric.
lsa_slice slice_of(int d, double c = 1) {
  return {.c = c, .v31 = combination(-0.4 / c, matrix::identity(d), 0.05 / c, support::gaussian(d, d, "v31"))};
}

lane_errors chain_of(const lsa_slice& slice) {
  return [a = preconditioner(slice)](const prompt_lanes& p, matrix& errors) { pseudo_newton(a, p, errors); };
}

error_table evaluate_quietly(const lane_errors& model, int rows, const lane_source& source, int prompts) {
  return evaluate(model, rows, source, prompts, std::stop_token());
}

error_table definition_quietly(const lsa_parameters& model, int steps, const prompt_source& source, int prompts) {
  return evaluate_definition(model, steps, source, prompts, std::stop_token());
}

std::vector<double> serial_loop(const lane_errors& model, int rows, const lane_source& source, int prompts) {
  const blas_threads one(1);
  std::vector<double> out(static_cast<std::size_t>(rows) * static_cast<std::size_t>(prompts));
  prompt_lanes p;
  matrix errors(rows, lane_count);
  for (int i = 0; i < prompts; ++i) {
    source.draw(static_cast<std::uint64_t>(i / lane_count), p);
    model(p, errors);
    for (int k = 0; k < rows; ++k) out[static_cast<std::size_t>(k * prompts + i)] = errors(k, i % lane_count);
  }
  return out;
}

// ---- explicit prompts side by side ----

TEST(explicit_prompts, have_the_sample_covariances_and_weights_of_their_prompts) {
  for (const int d : {1, 2, 7, 17}) {
    for (const int m : {1, 2, 7, 31}) {
      const prompt_source source = source_of(d, m);
      prompt_lanes lanes;
      explicit_prompts(source_of(9, 20)).draw(0, lanes);  // memory that was used before
      explicit_prompts(source).draw(3, lanes);
      EXPECT_EQ(lanes.m, m);
      EXPECT_EQ(lanes.factor.columns, std::min(d, m));
      for (int lane = 0; lane < lane_count; ++lane) {
        prompt p;
        source.draw(static_cast<std::uint64_t>(3 * lane_count + lane), p);
        const matrix expected = reference::gram(1.0 / m, p.x);
        EXPECT_TRUE(support::close(gram_of_lane(1.0 / m, lanes.factor, lane), expected,
                                   16 * (d + m) * support::epsilon * reference::frobenius_norm(expected)))
            << "d " << d << ", m " << m << ", lane " << lane;
        for (int j = 0; j < d; ++j) EXPECT_EQ(lanes.w(j, lane), p.w[static_cast<std::size_t>(j)]);
      }
    }
  }
}

// ---- evaluate ----

// The first size is for many shards, the second for matrices that BLAS would share among threads if it were let.
TEST(evaluate, is_a_serial_loop_to_the_bit) {
  constexpr int rows = 6;
  for (const auto& [d, m] : {std::pair(17, 257), std::pair(110, 31)}) {
    const lane_errors model = chain_of(slice_of(d));
    for (const auto& source : sources_of(d, m)) {
      for (const int prompts : {1, 8, 9, 97}) {
        const std::vector<double> expected = serial_loop(model, rows, *source, prompts);
        for (const int threads : {1, 2, 3}) {
          const support::thread_scope scope(threads);
          EXPECT_TRUE(evaluate_quietly(model, rows, *source, prompts).values == expected)
              << "d " << d << ", " << prompts << " prompts, " << threads << " threads";
        }
      }
    }
  }
}

TEST(evaluate, begins_with_the_same_prompts_however_many_are_asked_for) {
  const lane_errors model = chain_of(slice_of(3));
  for (const auto& source : sources_of(3, 4)) {
    error_table all = evaluate_quietly(model, 3, *source, 100);
    for (const int prompts : {1, 7, 8, 33}) {
      error_table some = evaluate_quietly(model, 3, *source, prompts);
      for (int k = 0; k < 3; ++k) {
        EXPECT_TRUE(std::equal(some.row(k).begin(), some.row(k).end(), all.row(k).begin())) << prompts;
      }
    }
  }
}

TEST(evaluate, makes_a_table_of_rows_by_prompts) {
  const lane_errors model = [](const prompt_lanes& p, matrix& errors) {
    for (int k = 0; k < errors.rows(); ++k) {
      for (int lane = 0; lane < lane_count; ++lane) errors(k, lane) = p.w(0, lane) + 100 * k;
    }
  };
  const prompt_source source = source_of(1, 1);
  error_table table = evaluate_quietly(model, 4, explicit_prompts(source), 13);
  EXPECT_EQ(table.rows, 4);
  EXPECT_EQ(table.prompts, 13);
  ASSERT_EQ(table.values.size(), 4U * 13);
  for (int k = 0; k < 4; ++k) {
    for (std::size_t i = 0; i < 13; ++i) {
      prompt p;
      source.draw(i, p);
      EXPECT_EQ(table.row(k)[i], p.w[0] + 100 * k);
    }
  }
}

TEST(evaluate, begins_with_the_squared_norm_of_the_weight) {
  const prompt_source source = source_of(3, 4);
  error_table fast = evaluate_quietly(chain_of(slice_of(3)), 1, explicit_prompts(source), 40);
  error_table slow = definition_quietly(full_parameters(slice_of(3)), 0, source, 40);
  for (std::uint64_t i = 0; i < 40; ++i) {
    prompt p;
    source.draw(i, p);
    const double expected = p.w[0] * p.w[0] + p.w[1] * p.w[1] + p.w[2] * p.w[2];
    EXPECT_DOUBLE_EQ(fast.row(0)[i], expected);
    EXPECT_DOUBLE_EQ(slow.row(0)[i], expected);
  }
}

TEST(evaluate, agrees_with_the_definition) {
  for (const int d : {1, 2, 7}) {
    for (const int m : {1, 2, 31}) {
      for (const double c : {1.0, -0.5}) {
        const prompt_source source = source_of(d, m);
        const lsa_slice slice = slice_of(d, c);
        const error_table fast = evaluate_quietly(chain_of(slice), 11, explicit_prompts(source), 33);
        const error_table slow = definition_quietly(full_parameters(slice), 10, source, 33);
        ASSERT_EQ(fast.values.size(), slow.values.size());
        for (std::size_t i = 0; i < fast.values.size(); ++i) {
          EXPECT_NEAR(fast.values[i], slow.values[i], 1e-10 * std::max(fast.values[i], fast.values[i % 33]))
              << "d " << d << ", m " << m << ", c " << c << ", k " << i / 33;
        }
      }
    }
  }
}

TEST(evaluate_definition, rolls_out_parameters_beyond_the_slice) {
  constexpr int d = 2;
  const int rows = 2 * d + 2;
  const lsa_parameters dense{
      .v = combination(0.3, support::gaussian(rows, rows, "v"), 0, matrix(rows, rows)),
      .w = combination(0.3, support::gaussian(rows, rows, "w"), 0, matrix(rows, rows)),
  };
  const prompt_source source = source_of(d, 3);
  for (const int threads : {1, 3}) {
    const support::thread_scope scope(threads);
    error_table found = definition_quietly(dense, 2, source, 9);
    for (std::size_t i = 0; i < 9; ++i) {
      prompt p;
      source.draw(i, p);
      const matrix estimates = reference::roll_out(dense.v, dense.w, p.x, p.y, 2);
      for (int k = 0; k < 3; ++k) {
        const double expected = std::pow(estimates(k, 0) - p.w[0], 2) + std::pow(estimates(k, 1) - p.w[1], 2);
        EXPECT_NEAR(found.row(k)[i] / expected, 1, 1e-10) << "prompt " << i << ", k " << k;
      }
    }
  }
}

TEST(evaluate, of_a_diverging_model_is_infinite_in_the_statistics) {
  const lsa_slice wild{.c = 1, .v31 = combination(-1e80, matrix::identity(3), 0, matrix(3, 3))};
  std::vector<error_table> tables{definition_quietly(full_parameters(wild), 6, source_of(3, 4), 40)};
  for (const auto& source : sources_of(3, 4)) tables.push_back(evaluate_quietly(chain_of(wild), 7, *source, 40));
  for (error_table& table : tables) {
    EXPECT_TRUE(std::isfinite(summarise(table.row(1)).mean));
    for (const int k : {3, 4, 5, 6}) {
      const error_statistics s = summarise(table.row(k));
      EXPECT_EQ(s.mean, infinity) << k;
      EXPECT_EQ(s.standard_error, infinity) << k;
      EXPECT_EQ(s.median, infinity) << k;
      EXPECT_EQ(s.diverged_share, 1) << k;
    }
  }
}

TEST(evaluate, stops_when_asked) {
  std::stop_source stop;
  std::atomic<int> calls = 0;
  const support::thread_scope scope(2);
  const lane_errors model = [&](const prompt_lanes&, matrix&) {
    ++calls;
    stop.request_stop();
  };
  EXPECT_THROW(evaluate(model, 1, explicit_prompts(source_of(17, 109)), 4000, stop.get_token()), stopped);
  EXPECT_LT(calls, 4000 / lane_count) << "the blocks that were begun are finished, but not all are";
  EXPECT_THROW(evaluate_definition(full_parameters(slice_of(2)), 1, source_of(2, 2), 4, stop.get_token()), stopped);
}

TEST(evaluate, passes_on_what_a_model_throws) {
  const support::thread_scope scope(3);
  const lane_errors model = [](const prompt_lanes&, matrix&) { throw numerical_error("no answer"); };
  EXPECT_THAT([&] { evaluate_quietly(model, 1, *sources_of(2, 2)[1], 97); },
              ThrowsMessage<numerical_error>(HasSubstr("no answer")));
}

TEST(evaluate, needs_a_prompt_and_a_row) {
  const lane_errors model = chain_of(slice_of(2));
  const auto refuses = [](const char* text) { return ThrowsMessage<precondition_error>(HasSubstr(text)); };
  EXPECT_THAT([&] { evaluate_quietly(model, 1, *sources_of(2, 2)[1], 0); }, refuses("prompts = 0"));
  EXPECT_THAT([&] { evaluate_quietly(model, 0, *sources_of(2, 2)[1], 1); }, refuses("rows = 0"));
  EXPECT_THAT([&] { definition_quietly(full_parameters(slice_of(2)), -1, source_of(2, 2), 1); }, refuses("rows = 0"));
}

}  // namespace
}  // namespace cotscale
