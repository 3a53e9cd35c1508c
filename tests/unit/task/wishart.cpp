// Sample covariances without examples have the distribution of those with examples: moments in closed form, and
// two-sample tests against explicit prompts.
#include "cotscale/task/wishart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/task/moments.hpp"
#include "cotscale/task/prompt.hpp"
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

const stream_key some_key = key_builder("test wishart").add(3).key();

covariance rotated(const std::vector<double>& eigenvalues, int number = 0) {
  return {eigenvalues, random_rotation(static_cast<int>(eigenvalues.size()), key_builder("basis").add(number).key())};
}

prompt_lanes drawn(const wishart_source& source, std::uint64_t block) {
  prompt_lanes out;
  source.draw(block, out);
  return out;
}

bool same_bits(const prompt_lanes& a, const prompt_lanes& b) {
  return a.m == b.m && a.w == b.w && a.factor.rows == b.factor.rows && a.factor.columns == b.factor.columns &&
         a.factor.packed == b.factor.packed;
}

matrix sample_covariance(const prompt_lanes& p, int lane) { return gram_of_lane(1.0 / p.m, p.factor, lane); }

// Calls visit(Ŝ, w) for so many prompts.
void for_each_prompt(const wishart_source& source, int prompts,
                     const std::function<void(const matrix&, const matrix&)>& visit) {
  const blas_threads one(1);
  prompt_lanes p;
  for (int i = 0; i < prompts; ++i) {
    if (i % lane_count == 0) source.draw(static_cast<std::uint64_t>(i / lane_count), p);
    visit(sample_covariance(p, i % lane_count), p.w.block(0, i % lane_count, p.w.rows(), 1));
  }
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

// ---- moments ----

// E[Ŝ_ab Ŝ_ij] = Λ_ab Λ_ij + (Λ_ai Λ_bj + Λ_aj Λ_bi)/m (Isserlis 1918), and E[w] = 0, E[w wᵀ] = I, E[Ŝ_ab w_c] = 0.
struct moment_sums {
  explicit moment_sums(int d) : first(d * d), second(d * d * d * d), w(d), w_products(d * d), cross(d * d * d) {}
  support::sample_means first, second, w, w_products, cross;
};

moment_sums sampled_moments(const task_mixture& tasks, int m, int prompts) {
  const int d = tasks.dimension();
  moment_sums out(d);
  for_each_prompt(wishart_source(tasks, m, some_key), prompts, [&](const matrix& s, const matrix& w) {
    const matrix entries = reference::as_column(s);
    out.first.add(s.values());
    out.second.add(reference::product(entries, reference::transposed(entries)).values());
    out.w.add(w.values());
    out.w_products.add(reference::product(w, reference::transposed(w)).values());
    out.cross.add(reference::product(entries, reference::transposed(w)).values());
  });
  return out;
}

std::vector<double> second_moments(const matrix& lambda, int m) {
  const int d = lambda.rows();
  std::vector<double> out;
  for (int a = 0; a < d; ++a) {
    for (int b = 0; b < d; ++b) {
      for (int i = 0; i < d; ++i) {
        for (int j = 0; j < d; ++j) {
          out.push_back(lambda(a, b) * lambda(i, j) + (lambda(a, i) * lambda(b, j) + lambda(a, j) * lambda(b, i)) / m);
        }
      }
    }
  }
  return out;
}

TEST(wishart_source, has_the_first_and_second_moments_of_sample_covariances) {
  constexpr int d = 3;
  const std::vector<covariance> tasks{covariance({2, 1, 0.3}), rotated({2, 1, 0.3}), rotated({2, 0, 0.5}),
                                      covariance({0, 0, 3})};
  for (const covariance& lambda : tasks) {
    for (const int m : {1, d - 1, d, d + 1, 10 * d}) {
      const moment_sums found = sampled_moments(task_mixture(lambda), m, 8000);
      SCOPED_TRACE("m = " + std::to_string(m) + ", Λ₀₁ = " + std::to_string(lambda.values()(0, 1)));
      EXPECT_TRUE(within(5, found.first, lambda.values().values()));
      EXPECT_TRUE(within(5, found.second, second_moments(lambda.values(), m)));
      EXPECT_TRUE(within(5, found.w, std::vector<double>(d)));
      EXPECT_TRUE(within(5, found.w_products, matrix::identity(d).values()));
      EXPECT_TRUE(within(5, found.cross, std::vector<double>(d * d * d)));
      EXPECT_FALSE(m < 10 && within(5, found.second, second_moments(lambda.values(), 2 * m)))
          << "the test can tell m from 2m";
    }
  }
}

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

// ---- mixtures ----

TEST(wishart_source, draws_the_tasks_of_a_mixture_with_their_probabilities) {
  // Task ℓ has examples in direction ℓ only, which shows it.
  const std::vector<double> shares{0.5, 0.05, 0.3, 0.15};
  std::vector<covariance> tasks;
  for (std::size_t l = 0; l < 4; ++l) {
    std::vector<double> eigenvalues(4);
    eigenvalues[l] = 1;
    tasks.emplace_back(eigenvalues);
  }
  for (const int m : {1, 6}) {
    support::sample_means drawn_share(4);
    support::sample_means pairs(16);
    std::vector<double> previous(4);
    for_each_prompt(wishart_source(task_mixture(tasks, shares), m, some_key), 40'000,
                    [&](const matrix& s, const matrix&) {
                      std::vector<double> is_drawn(4);
                      for (int l = 0; l < 4; ++l) is_drawn[static_cast<std::size_t>(l)] = s(l, l) > 0 ? 1 : 0;
                      EXPECT_EQ(std::count(is_drawn.begin(), is_drawn.end(), 1), 1);
                      drawn_share.add(is_drawn);
                      std::vector<double> pair;
                      for (const double before : previous) {
                        for (const double now : is_drawn) pair.push_back(before * now);
                      }
                      pairs.add(pair);
                      previous = is_drawn;
                    });
    EXPECT_TRUE(within(4, drawn_share, shares)) << m;
    std::vector<double> independent;
    for (const double before : shares) {
      for (const double now : shares) independent.push_back(before * now);
    }
    EXPECT_TRUE(within(4.5, pairs, independent)) << "one prompt after the other, m = " << m;
  }
}

TEST(wishart_source, of_a_mixture_has_the_moments_of_its_prompts) {
  constexpr int d = 3;
  const std::vector<covariance> tasks{covariance({2, 1, 0.3}), rotated({0.5, 0, 3}, 1), rotated({1, 1, 0.2}, 2)};
  const std::vector<double> shares{0.2, 0.5, 0.3};
  for (const int m : {1, 2, 3, 30}) {
    const moment_sums found = sampled_moments(task_mixture(tasks, shares), m, 20'000);
    std::vector<double> second(d * d * d * d);
    for (std::size_t l = 0; l < tasks.size(); ++l) {
      const std::vector<double> of_task = second_moments(tasks[l].values(), m);
      for (std::size_t i = 0; i < second.size(); ++i) second[i] += shares[l] * of_task[i];
    }
    const prompt_moments expected = moments(task_mixture(tasks, shares), m);
    EXPECT_TRUE(within(5, found.first, expected.mean.values())) << m;
    EXPECT_TRUE(within(5, found.second, second)) << m;
    matrix square(d, d);  // Σ_b E[Ŝ_ab Ŝ_bj] = E[Ŝ²]_aj
    for (int a = 0; a < d; ++a) {
      for (int j = 0; j < d; ++j) {
        for (int b = 0; b < d; ++b) square(a, j) += second[static_cast<std::size_t>(((a * d + b) * d + b) * d + j)];
      }
    }
    EXPECT_TRUE(close(expected.second, square, 1e-13)) << "moments() says the same";
    EXPECT_FALSE(within(5, found.second, second_moments(expected.mean, m)))
        << "the test can tell a mixture of tasks from one task of their mean";
  }
}

// ---- against explicit prompts ----

// Scalar functions of (Ŝ, w): trace, extreme eigenvalues of those that are not zero, wᵀŜw, ‖u_3‖² of the chain.
constexpr std::array scalars{"trace", "smallest eigenvalue", "largest eigenvalue", "wᵀŜw", "‖u_3‖²"};

std::array<double, scalars.size()> scalars_of(const matrix& s, const matrix& w, int m) {
  const std::vector<double> values = symmetric_eigenvalues(s);
  const int d = s.rows();
  matrix u = w;
  for (int k = 0; k < 3; ++k) u = reference::combination(1, u, -0.4, reference::product(s, u));
  return {trace(s), values[static_cast<std::size_t>(std::max(0, d - m))], values.back(),
          reference::inner(w, reference::product(s, w)), reference::squared_norm(u)};
}

using samples = std::array<std::vector<double>, scalars.size()>;

void add(samples& all, const std::array<double, scalars.size()>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) all.at(i).push_back(values.at(i));
}

samples wishart_samples(const covariance& sigma, int m, int prompts) {
  samples out;
  for_each_prompt(wishart_source(task_mixture(sigma), m, some_key), prompts,
                  [&](const matrix& s, const matrix& w) { add(out, scalars_of(s, w, m)); });
  return out;
}

samples explicit_samples(const covariance& sigma, int m, int prompts) {
  const prompt_source source(sigma, m, some_key);
  samples out;
  prompt p;
  matrix w(sigma.dimension(), 1);
  for (int i = 0; i < prompts; ++i) {
    source.draw(static_cast<std::uint64_t>(i), p);
    std::copy(p.w.begin(), p.w.end(), w.data());
    add(out, scalars_of(reference::gram(1.0 / m, p.x), w, m));
  }
  return out;
}

// √(NM/(N + M)) sup|F_N − G_M|, above 2.2 once in 8,000 times (Kolmogorov-Smirnov).
double two_sample_gap(std::vector<double> a, std::vector<double> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  double gap = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] == x) ++i;
    while (j < b.size() && b[j] == x) ++j;
    gap = std::max(gap, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return std::sqrt(n * m / (n + m)) * gap;
}

TEST(wishart_source, agrees_in_distribution_with_explicit_prompts) {
  const blas_threads one(1);  // many small matrices
  constexpr int d = 4;
  constexpr int prompts = 5000;
  for (const covariance& sigma : {rotated({2, 1, 0.7, 0.3}), covariance({1, 1, 1, 1})}) {
    for (const int m : {1, d - 1, d, d + 1, 10 * d}) {
      const samples drawn_directly = wishart_samples(sigma, m, prompts);
      const samples from_examples = explicit_samples(sigma, m, prompts);
      const int wrong_m = m < 10 ? m + 1 : 8 * d;
      const samples wrong = wishart_samples(sigma, wrong_m, prompts);
      double worst = 0;
      for (std::size_t i = 0; i < scalars.size(); ++i) {
        EXPECT_LT(two_sample_gap(drawn_directly.at(i), from_examples.at(i)), 2.2) << scalars.at(i) << ", m = " << m;
        worst = std::max(worst, two_sample_gap(wrong.at(i), from_examples.at(i)));
      }
      EXPECT_GT(worst, 3) << "the test can tell m = " << m << " from m = " << wrong_m;
    }
  }
}

}  // namespace
}  // namespace cotscale
