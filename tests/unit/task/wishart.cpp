// Sample covariances without examples: what they are a function of, their shape and their rank.
#include "cotscale/task/wishart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "reference/matrix.hpp"
#include "support/threads.hpp"
#include "unit/task/wishart_prompts.hpp"

namespace cotscale {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

prompt_lanes drawn(const wishart_source& source, std::uint64_t block) {
  prompt_lanes out;
  source.draw(block, out);
  return out;
}

bool same_bits(const prompt_lanes& a, const prompt_lanes& b) {
  return a.m == b.m && a.w == b.w && a.factor.rows == b.factor.rows && a.factor.columns == b.factor.columns &&
         a.factor.packed == b.factor.packed;
}

// ---- what a prompt is a function of ----

TEST(wishart_source, draws_the_same_prompts_whatever_came_before) {
  const task_mixture mixture({rotated({1, 2, 3, 4, 5}), covariance({3, 0, 0, 1, 1})}, {0.4, 0.6});
  const wishart_source source(mixture, 3, some_key);
  const prompt_lanes expected = drawn(source, 41);
  prompt_lanes used;
  wishart_source(task_mixture(rotated({1, 2, 3, 4, 5, 6, 7})), 30, some_key).draw(3, used);
  source.draw(2, used);
  source.draw(41, used);
  EXPECT_TRUE(same_bits(used, expected)) << "after other prompts, in memory that was used before";
  EXPECT_TRUE(same_bits(drawn(wishart_source(mixture, 3, some_key), 41), expected)) << "from another source";
  EXPECT_FALSE(same_bits(drawn(source, 42), expected));
  EXPECT_FALSE(same_bits(drawn(wishart_source(mixture, 3, {some_key.low, some_key.high + 1}), 41), expected));
  const support::thread_scope scope(3);
  std::vector<prompt_lanes> blocks(60);
  parallel_for(60, [&](int i) { source.draw(static_cast<std::uint64_t>(i), blocks.at(static_cast<std::size_t>(i))); });
  EXPECT_TRUE(same_bits(blocks[41], expected)) << "on another thread";
}

TEST(wishart_source, has_the_shape_that_examples_would_give) {
  for (const int d : {1, 2, 7, 8, 17}) {
    for (const int m : {1, d, d + 1, 40}) {
      const prompt_lanes p = drawn(
          wishart_source(task_mixture(rotated(std::vector<double>(static_cast<std::size_t>(d), 1))), m, some_key), 0);
      EXPECT_EQ(p.m, m);
      EXPECT_EQ(p.factor.rows, d);
      EXPECT_EQ(p.factor.columns, std::min(d, m));
      EXPECT_EQ(p.factor.packed.rows(), trapezoid_size(d, std::min(d, m)));
      EXPECT_EQ(p.w.rows(), d);
    }
  }
}

// With Λ = I the factor holds the random numbers themselves.
TEST(wishart_source, uses_every_random_number_once) {
  for (const int m : {2, 9}) {
    const wishart_source source(task_mixture(covariance({1, 1, 1})), m, some_key);
    std::set<double> seen;
    std::size_t count = 0;
    for (std::uint64_t block = 0; block < 20; ++block) {
      const prompt_lanes p = drawn(source, block);
      seen.insert(p.w.values().begin(), p.w.values().end());
      seen.insert(p.factor.packed.values().begin(), p.factor.packed.values().end());
      count += p.w.size() + p.factor.packed.size();
    }
    EXPECT_EQ(seen.size(), count);
  }
}

TEST(wishart_source, needs_an_example) {
  EXPECT_THAT([] { wishart_source(task_mixture(covariance({1})), 0, some_key); },
              ThrowsMessage<precondition_error>(HasSubstr("got 0")));
}

TEST(sample_covariances, are_those_of_the_first_prompts) {
  const covariance sigma = rotated({1, 2, 5});
  const wishart_source source(task_mixture(sigma), 4, some_key);
  const std::vector<matrix> found = sample_covariances(sigma, 4, 19, some_key);
  ASSERT_EQ(found.size(), 19U);
  std::size_t i = 0;
  for_each_prompt(source, 19, [&](const matrix& s, const matrix&) { EXPECT_EQ(found.at(i++), s); });
}

// ---- rank and support ----

TEST(wishart_source, has_the_rank_of_its_examples) {
  constexpr int d = 6;
  const auto rank = [](const matrix& s) {
    const std::vector<double> values = singular_values(s);
    return std::count_if(values.begin(), values.end(), [&](double x) { return x > 1e-12 * values.front(); });
  };
  for (const int m : {1, 3, d - 1, d, d + 1, 10 * d}) {
    for (const matrix& s : sample_covariances(rotated({6, 5, 4, 3, 2, 1}), m, 50, some_key)) {
      EXPECT_EQ(rank(s), std::min(d, m));
    }
    for (const matrix& s : sample_covariances(rotated({6, 0, 4, 0, 2, 1}), m, 50, some_key)) {
      EXPECT_EQ(rank(s), std::min(d - 2, m));
    }
  }
}

TEST(wishart_source, keeps_to_the_support_of_a_singular_covariance) {
  const covariance lambda = rotated({3, 0, 1, 0});
  const matrix null =
      reference::combination(1, matrix::identity(4), -1, lambda.apply([](double l) { return l > 0 ? 1.0 : 0.0; }));
  for (const matrix& s : sample_covariances(lambda, 7, 20, some_key)) {
    EXPECT_LT(reference::largest(reference::product(null, s)), 1e-14 * reference::largest(s) * 16);
  }
}

}  // namespace
}  // namespace cotscale
