// Sample covariances without examples have the moments of those with examples, in closed form.
#include "cotscale/task/wishart.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "cotscale/task/moments.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/monte_carlo.hpp"
#include "unit/task/wishart_prompts.hpp"

namespace cotscale {
namespace {

using support::close;

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

// ---- one task ----

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

}  // namespace
}  // namespace cotscale
