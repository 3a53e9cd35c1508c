#include "cotscale/task/mixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/task/moments.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

const covariance first({1, 2, 3});
const covariance second({4, 0, 1}, random_rotation(3, key_builder("test rotation").key()));

TEST(task_mixture, of_one_task_is_certain) {
  const task_mixture mixture(first);
  ASSERT_EQ(mixture.size(), 1U);
  EXPECT_EQ(mixture.probability(0), 1);
  EXPECT_EQ(mixture.task(0).values(), first.values());
  EXPECT_EQ(mixture.dimension(), 3);
}

TEST(task_mixture, divides_probabilities_by_their_sum_and_drops_what_is_never_drawn) {
  const task_mixture mixture({first, second, first}, {1, 0, 3});
  ASSERT_EQ(mixture.size(), 2U);
  EXPECT_EQ(mixture.probability(0), 0.25);
  EXPECT_EQ(mixture.probability(1), 0.75);
  EXPECT_EQ(mixture.task(1).values(), first.values());
  EXPECT_EQ(task_mixture({first, second}, {0, 1e-300}).task(0).values(), second.values());
}

TEST(task_mixture, in_other_units_leaves_out_what_vanishes) {
  const covariance tiny({1e-300, 1e-300, 1e-300});
  const task_mixture mixture({first, tiny}, {1, 1});
  EXPECT_EQ(mixture.scale_exponent(), first.scale_exponent());
  EXPECT_EQ(mixture.scaled(-2).size(), 2U);
  const task_mixture scaled = mixture.scaled(-20);
  ASSERT_EQ(scaled.size(), 1U);
  EXPECT_EQ(scaled.probability(0), 0.5);
  EXPECT_EQ(scaled.task(0).values(), times_power_of_two(first.values(), -20));
}

// ---- the best preconditioner ----

TEST(optimal_preconditioner, is_the_ratio_of_the_moments) {
  for (const task_mixture& tasks : {task_mixture(first), task_mixture({first, second}, {1, 3})}) {
    const prompt_moments m = moments(tasks, 7);
    EXPECT_TRUE(close(reference::product(optimal_preconditioner(tasks, 7), m.second), m.mean, 256 * epsilon));
  }
}

// However weak a direction is beside the others: 1/γ(λ) = n/tr(Λ) for λ → 0.
TEST(optimal_preconditioner, keeps_the_weakest_direction) {
  const std::vector<double> eigenvalues{3, 1, 1e-17};
  const matrix basis = random_rotation(3, key_builder("weak direction").key());
  const matrix rotated = optimal_preconditioner(covariance(eigenvalues, basis), 8);
  const matrix along = reference::product(reference::product(reference::transposed(basis), rotated), basis);
  EXPECT_NEAR(along(2, 2), 2, 1e-14);
  const covariance diagonal(eigenvalues);
  const matrix mixed = optimal_preconditioner(task_mixture({diagonal, diagonal}, {1, 1}), 8);
  EXPECT_NEAR(mixed(2, 2), 2, 1e-14) << "of two tasks that are the same";
}

TEST(task_mixture, refuses_what_is_no_distribution) {
  const auto refuses = [](const char* text) { return ThrowsMessage<specification_error>(HasSubstr(text)); };
  EXPECT_THAT([] { task_mixture({}, {}); }, refuses("0 tasks"));
  EXPECT_THAT(
      [] {
        task_mixture({first}, {0.5, 0.5});
      },
      ThrowsMessage<specification_error>(AllOf(HasSubstr("1 tasks"), HasSubstr("2 probabilities"))));
  EXPECT_THAT([] { task_mixture({first, second}, {0, 0}); }, refuses("one of them positive"));
  EXPECT_THAT([] { task_mixture({first, second}, {2, -1}); }, refuses("≥ 0"));
  EXPECT_THAT([] { task_mixture({first, second}, {1, std::numeric_limits<double>::quiet_NaN()}); }, refuses("≥ 0"));
  EXPECT_THAT([] { task_mixture({first, second}, {1, std::numeric_limits<double>::infinity()}); }, refuses("finite"));
  EXPECT_THAT(
      [] {
        task_mixture({first, covariance({1, 2})}, {1, 1});
      },
      ThrowsMessage<specification_error>(AllOf(HasSubstr("3"), HasSubstr("2"))));
}

// Σ π_ℓ Λ_ℓ and Σ π_ℓ ((1 + 1/n) Λ_ℓ² + (tr Λ_ℓ/n) Λ_ℓ).
TEST(moments, of_a_mixture_are_means_over_its_tasks) {
  const std::vector<covariance> tasks{first, second, covariance({0, 0, 5})};
  const std::vector<double> weights{2, 5, 3};
  for (const int n : {1, 2, 40}) {
    matrix mean(3, 3), square(3, 3);
    for (std::size_t l = 0; l < tasks.size(); ++l) {
      const matrix& lambda = tasks[l].values();
      const double p = weights[l] / 10;
      mean = reference::combination(1, mean, p, lambda);
      square = reference::combination(1, square, p * (1 + 1.0 / n), reference::product(lambda, lambda));
      square = reference::combination(1, square, p * tasks[l].trace() / n, lambda);
    }
    const prompt_moments found = moments(task_mixture(tasks, weights), n);
    EXPECT_TRUE(close(found.mean, mean, 16 * epsilon * reference::frobenius_norm(mean))) << n;
    EXPECT_TRUE(close(found.second, square, 16 * epsilon * reference::frobenius_norm(square))) << n;
  }
  EXPECT_EQ(moments(task_mixture(first), 7).second, moments(first, 7).second);
  EXPECT_THAT([&] { moments(task_mixture(tasks, weights), 0); }, ThrowsMessage<precondition_error>(HasSubstr("got 0")));
}

}  // namespace
}  // namespace cotscale
