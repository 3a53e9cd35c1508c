#include "cotscale/task/prompt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/task/moments.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/monte_carlo.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using testing::HasSubstr;
using testing::ThrowsMessage;

const stream_key some_key = key_builder("test prompts").add(7).key();

// A full matrix, with eigenvalues d, … 1.
covariance rotated(int d) {
  std::vector<double> eigenvalues;
  for (int j = d; j >= 1; --j) eigenvalues.push_back(j);
  return {eigenvalues, random_rotation(d, key_builder("test rotation").add(d).key())};
}

prompt drawn(const prompt_source& source, std::uint64_t index) {
  prompt out;
  source.draw(index, out);
  return out;
}

bool same_bits(const prompt& a, const prompt& b) { return a.x == b.x && a.y == b.y && a.w == b.w; }

TEST(prompt_source, makes_labels_of_features_and_weight) {
  for (const int d : {1, 2, 17, 31}) {
    for (const int m : {1, 2, 31, 64 + 1}) {
      const prompt p = drawn(prompt_source(rotated(d), m, some_key), 3);
      ASSERT_EQ(p.x.rows(), d);
      ASSERT_EQ(p.x.columns(), m);
      ASSERT_EQ(p.w.size(), static_cast<std::size_t>(d));
      matrix w(d, 1);
      for (int j = 0; j < d; ++j) w(j, 0) = p.w[static_cast<std::size_t>(j)];
      const matrix y = reference::product(reference::transposed(p.x), w);
      EXPECT_TRUE(close(p.y, y.values(), 2 * d * d * epsilon * reference::largest(p.x) * reference::largest(w)));
    }
  }
}

TEST(prompt_source, depends_on_key_and_number_only) {
  const prompt_source source(rotated(5), 7, some_key);
  const prompt expected = drawn(source, 41);
  prompt used;
  prompt_source(rotated(9), 30, some_key).draw(3, used);
  source.draw(2, used);
  source.draw(41, used);
  EXPECT_TRUE(same_bits(used, expected)) << "after other prompts, in memory that was used before";
  EXPECT_TRUE(same_bits(drawn(prompt_source(rotated(5), 7, some_key), 41), expected)) << "from another source";
  EXPECT_FALSE(same_bits(drawn(source, 42), expected));
  EXPECT_FALSE(same_bits(drawn(prompt_source(rotated(5), 7, {some_key.low, some_key.high + 1}), 41), expected));
}

TEST(prompt_source, is_the_same_on_every_thread) {
  const prompt_source source(rotated(5), 64 + 1, some_key);
  const support::thread_scope scope(3);
  std::vector<prompt> prompts(97);
  parallel_for(97, [&](int i) { source.draw(static_cast<std::uint64_t>(i), prompts.at(static_cast<std::size_t>(i))); });
  for (std::size_t i = 0; i < prompts.size(); ++i) EXPECT_TRUE(same_bits(prompts[i], drawn(source, i))) << i;
}

// Entry (a, b) of E[x xᵀ] over examples, E[x] = 0, E[w] = 0, E[w wᵀ] = I and E[x_a w_b] = 0 over prompts.
TEST(prompt_source, draws_features_and_weights_from_their_distributions) {
  constexpr int d = 4;
  constexpr int prompts = 20'000;
  const covariance sigma = rotated(d);
  const prompt_source source(sigma, 5, some_key);
  support::sample_means feature_products(d * d);
  support::sample_means features(d);
  support::sample_means weight_products(d * d);
  support::sample_means weights(d);
  support::sample_means cross_products(5 * d * d);
  prompt p;
  for (std::uint64_t i = 0; i < prompts; ++i) {
    source.draw(i, p);
    for (int example = 0; example < 5; ++example) {
      const matrix x = p.x.block(0, example, d, 1);
      features.add(x.values());
      feature_products.add(reference::gram(1, x).values());
    }
    matrix w(1, d);
    for (int j = 0; j < d; ++j) w(0, j) = p.w[static_cast<std::size_t>(j)];
    weights.add(w.values());
    weight_products.add(reference::product(reference::transposed(w), w).values());
    cross_products.add(reference::product(reference::as_column(p.x), w).values());
  }
  EXPECT_TRUE(within(5, features, std::vector<double>(d, 0.0)));
  EXPECT_TRUE(within(5, feature_products, sigma.values().values()));
  EXPECT_TRUE(within(5, weights, std::vector<double>(d, 0.0)));
  EXPECT_TRUE(within(5, weight_products, matrix::identity(d).values()));
  EXPECT_TRUE(within(5, cross_products, matrix(5 * d, d).values()));
  EXPECT_FALSE(within(5, feature_products, reference::combination(1.05, sigma.values(), 0, matrix(d, d)).values()))
      << "the test can see 5 %";
}

// With Σ = I the features are the random numbers themselves.
TEST(prompt_source, uses_every_random_number_once) {
  const prompt_source source(covariance({1, 1, 1}), 4, some_key);
  std::set<double> seen;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const prompt p = drawn(source, i);
    seen.insert(p.w.begin(), p.w.end());
    seen.insert(p.x.values().begin(), p.x.values().end());
  }
  EXPECT_EQ(seen.size(), 100U * (3 + 3 * 4));
}

TEST(prompt_source, draws_independent_examples) {
  const prompt_source source(covariance({1, 1}), 3, some_key);
  support::sample_means products(6);
  prompt p;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    source.draw(i, p);
    products.add(std::vector<double>{p.x(0, 0) * p.x(0, 1), p.x(0, 0) * p.x(1, 1), p.x(0, 1) * p.x(0, 2),
                                     p.x(1, 0) * p.x(1, 2), p.w[0] * p.y[0] * p.x(0, 1), p.w[0] * p.w[1]});
  }
  EXPECT_TRUE(within(5, products, std::vector<double>(6, 0.0)));
}

TEST(prompt_source, keeps_to_the_support_of_a_singular_covariance) {
  const matrix basis = random_rotation(4, key_builder("test rotation").key());
  const prompt_source source(covariance({3, 0, 1, 0}, basis), 17, some_key);
  const matrix coordinates = reference::product(reference::transposed(basis), drawn(source, 0).x);
  for (const int null_direction : {1, 3}) {
    EXPECT_NEAR(reference::largest(coordinates.block(null_direction, 0, 1, 17)), 0, 100 * epsilon);
  }
  EXPECT_GT(reference::largest(coordinates.block(2, 0, 1, 17)), 0.5);
}

TEST(prompt_source, needs_an_example) {
  EXPECT_THAT([] { prompt_source(rotated(2), 0, some_key); }, ThrowsMessage<precondition_error>(HasSubstr("got 0")));
}

// ---- moments ----

TEST(moments, are_those_of_the_paper) {
  for (const int d : {1, 2, 17, 31}) {
    for (const int n : {1, 2, 40}) {
      const covariance lambda = rotated(d);
      const prompt_moments found = moments(lambda, n);
      EXPECT_EQ(found.mean, lambda.values());
      // (1 + 1/n) Λ² + (tr Λ/n) Λ
      const matrix square = reference::product(lambda.values(), lambda.values());
      const matrix expected = reference::combination(1 + 1.0 / n, square, lambda.trace() / n, lambda.values());
      EXPECT_TRUE(close(found.second, expected, 4 * d * epsilon * reference::frobenius_norm(expected)));
      const moment_spectrum& s = found.spectrum.value();
      const matrix turned = reference::product(s.basis, matrix::diagonal(s.second));
      EXPECT_TRUE(close(reference::product(turned, transposed(s.basis)), expected,
                        8 * d * epsilon * reference::frobenius_norm(expected)));
      EXPECT_TRUE(close(s.mean, lambda.eigenvalues(), 0));
    }
  }
  EXPECT_THAT([] { moments(rotated(2), 0); }, ThrowsMessage<precondition_error>(HasSubstr("got 0")));
}

TEST(moments, are_those_of_sampled_prompts) {
  constexpr int d = 4;
  const covariance lambda = rotated(d);
  for (const int n : {1, 2, 5}) {
    const prompt_source source(lambda, n, some_key);
    support::sample_means mean(d * d);
    support::sample_means second(d * d);
    prompt p;
    for (std::uint64_t i = 0; i < 40'000; ++i) {
      source.draw(i, p);
      const matrix s = reference::gram(1.0 / n, p.x);
      mean.add(s.values());
      second.add(reference::product(s, s).values());
    }
    const prompt_moments expected = moments(lambda, n);
    EXPECT_TRUE(within(5, mean, expected.mean.values())) << "n = " << n;
    EXPECT_TRUE(within(5, second, expected.second.values())) << "n = " << n;
    EXPECT_FALSE(within(5, second, moments(lambda, n + 1).second.values())) << "the test can tell n from n + 1";
  }
}

}  // namespace
}  // namespace cotscale
