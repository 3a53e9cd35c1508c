// The preconditioner that training on a mixture of tasks ends at.
#include "cotscale/theory/closed_forms.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/linalg/blas.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/power_laws.hpp"
#include "unit/theory/gamma_by_definition.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using support::rotated;

// Σ π_ℓ Λ_ℓ and Σ π_ℓ Λ_ℓ Γ_ℓ.
struct mixture_moments {
  mixture_moments(const task_mixture& tasks, int n)
      : mean(tasks.dimension(), tasks.dimension()), second(tasks.dimension(), tasks.dimension()) {
    for (std::size_t l = 0; l < tasks.size(); ++l) {
      const matrix& lambda = tasks.task(l).values();
      mean = reference::combination(1, mean, tasks.probability(l), lambda);
      const matrix product = reference::product(lambda, gamma_by_definition(tasks.task(l), n));
      second = reference::combination(1, second, tasks.probability(l), product);
    }
  }
  matrix mean, second;
};

// E‖I − AŜ‖_F² = d − 2 ⟨A, E[Ŝ]⟩ + tr(A E[Ŝ²] Aᵀ).
double population_error(const matrix& a, const mixture_moments& m) {
  return a.rows() - 2 * reference::inner(a, m.mean) + reference::inner(reference::product(a, m.second), a);
}

task_mixture random_mixture(int d, const std::vector<int>& ranks, std::string_view name) {
  std::vector<covariance> tasks;
  std::vector<double> probabilities;
  for (std::size_t l = 0; l < ranks.size(); ++l) {
    std::vector<double> eigenvalues(static_cast<std::size_t>(d));
    for (int j = 0; j < ranks[l]; ++j) eigenvalues[static_cast<std::size_t>(j)] = 2.0 / (j + 1);
    tasks.emplace_back(eigenvalues, random_rotation(d, key_builder(name).add(l).key()));
    probabilities.push_back(static_cast<double>(l) + 1);
  }
  return {tasks, probabilities};
}

TEST(trained_preconditioner, of_a_mixture_minimises_the_population_loss) {
  const blas_threads one(1);
  for (const int d : {1, 2, 7, 17}) {
    for (const int n : {1, 7, 400}) {
      const task_mixture tasks = random_mixture(d, {d, (d + 1) / 2, d}, "regular");
      const mixture_moments m(tasks, n);
      const matrix a = trained_preconditioner(tasks, n);
      // The gradient, A E[Ŝ²] − E[Ŝ], is zero …
      EXPECT_TRUE(close(reference::product(a, m.second), m.mean, 1e-12 * reference::frobenius_norm(m.mean)))
          << "d = " << d << ", n = " << n;
      // … and every other A is worse.
      const double least = population_error(a, m);
      for (const char* name : {"one", "two", "three"}) {
        const matrix other = reference::combination(1, a, 1e-2, gaussian(d, d, name));
        EXPECT_GT(population_error(other, m), least) << "d = " << d << ", n = " << n;
      }
    }
  }
}

TEST(trained_preconditioner, of_a_mixture_is_not_that_of_its_mean_and_not_symmetric) {
  const task_mixture tasks = random_mixture(5, {5, 2, 3}, "regular");
  const matrix a = trained_preconditioner(tasks, 10);
  EXPECT_GT(asymmetry(a), 1e-3);
  const matrix of_mean = trained_preconditioner(covariance::from_matrix(mixture_moments(tasks, 10).mean), 10);
  EXPECT_FALSE(close(a, of_mean, 1e-2));
}

TEST(trained_preconditioner, of_a_mixture_of_equal_tasks_is_that_of_the_task) {
  for (const std::vector<double>& eigenvalues : {std::vector<double>{3, 2, 1, 0.1}, {2, 0, 1, 0}}) {
    const covariance task = rotated(covariance(eigenvalues), "equal");
    const matrix single = trained_preconditioner(task, 6);
    EXPECT_TRUE(close(trained_preconditioner(task_mixture({task, task, task}, {0.2, 0.5, 0.3}), 6), single, 1e-13));
    EXPECT_EQ(trained_preconditioner(task_mixture({task, covariance({1, 1, 1, 1})}, {1, 0}), 6), single);
  }
}

TEST(trained_preconditioner, of_tasks_in_separate_directions_is_that_of_each_there_and_zero_elsewhere) {
  // Neither sees the other's direction, so their shares do not matter.
  const covariance first({2, 0, 0}), second({0, 5, 0});
  const matrix expected = matrix::diagonal(std::vector<double>{1 / (1.25 * 2 + 2.0 / 4), 1 / (1.25 * 5 + 5.0 / 4), 0});
  for (const double share : {0.5, 0.01}) {
    EXPECT_TRUE(
        close(trained_preconditioner(task_mixture({first, second}, {share, 1 - share}), 4), expected, 16 * epsilon));
  }
}

TEST(trained_preconditioner, of_a_singular_mixture_is_zero_where_training_sees_nothing) {
  const blas_threads one(1);
  for (const int d : {4, 17, 31}) {
    for (const int n : {1, 30, 10'000}) {
      const task_mixture tasks = random_mixture(d, {d / 4, d / 4, d / 4}, "singular");
      const mixture_moments m(tasks, n);
      const matrix a = trained_preconditioner(tasks, n);
      EXPECT_TRUE(close(reference::product(a, m.second), m.mean, 1e-9 * reference::frobenius_norm(m.mean))) << d;
      // All supports together have 3 ⌊d/4⌋ directions; the projector onto the others.
      const covariance mean = covariance::from_matrix(m.mean);
      const matrix unseen = mean.apply([](double l) { return l > 0 ? 0.0 : 1.0; });
      EXPECT_NEAR(trace(unseen), d - 3 * (d / 4), 1e-9);
      EXPECT_LT(reference::frobenius_norm(reference::product(a, unseen)), 1e-9 * reference::frobenius_norm(a));
      EXPECT_LT(reference::frobenius_norm(reference::product(unseen, a)), 1e-9 * reference::frobenius_norm(a));
    }
  }
}

}  // namespace
}  // namespace cotscale
