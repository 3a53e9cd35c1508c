// The exact error after one step, against sums over moments and against sampled prompts.
#include "cotscale/theory/closed_forms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/random.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/prompt.hpp"
#include "cotscale/task/wishart.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/monte_carlo.hpp"
#include "support/power_laws.hpp"

namespace cotscale {
namespace {

using support::epsilon;
using support::gaussian;
using support::power_law;
using support::rotated;
using testing::HasSubstr;
using testing::ThrowsMessage;

// E‖I − AŜ‖_F² summed entry by entry, with E[Ŝ_aj Ŝ_bj] = Σ_aj Σ_bj + (Σ_ab Σ_jj + Σ_aj Σ_bj)/m (Isserlis 1918).
double one_step_error_by_isserlis(const matrix& a, const matrix& sigma, int m) {
  const int d = sigma.rows();
  double sum = 0;
  for (int i = 0; i < d; ++i) {
    for (int j = 0; j < d; ++j) {
      sum += i == j ? 1 : 0;
      for (int p = 0; p < d; ++p) {
        sum -= i == j ? 2 * a(i, p) * sigma(p, j) : 0;
        for (int q = 0; q < d; ++q) {
          const double moment = sigma(p, j) * sigma(q, j) + (sigma(p, q) * sigma(j, j) + sigma(p, j) * sigma(q, j)) / m;
          sum += a(i, p) * a(i, q) * moment;
        }
      }
    }
  }
  return sum;
}

TEST(one_step_error, is_the_sum_over_gaussian_moments) {
  for (const int d : {1, 2, 3, 7}) {
    for (const int m : {1, 2, 31}) {
      const covariance sigma = rotated(power_law(d, d == 1 ? 1 : 3 * d), "one step");
      const matrix a = gaussian(d, d, "preconditioner");
      const double expected = one_step_error_by_isserlis(a, sigma.values(), m);
      EXPECT_NEAR(one_step_error(a, sigma, m) / expected, 1, 64 * d * d * epsilon) << "d = " << d << ", m = " << m;
    }
  }
}

TEST(one_step_error, is_what_sampled_prompts_show) {
  constexpr int d = 4;
  const covariance sigma = rotated(power_law(d, 12), "sampled");
  const matrix a = reference::combination(0.3, matrix::identity(d), 0.1, gaussian(d, d, "not symmetric"));
  for (const int m : {1, 3, 17}) {
    const prompt_source source(sigma, m, key_builder("one step").add(m).key());
    support::sample_means error(1);
    prompt p;
    for (std::uint64_t i = 0; i < 40'000; ++i) {
      source.draw(i, p);
      const matrix step = reference::product(a, reference::gram(1.0 / m, p.x));
      error.add(reference::squared_norm(reference::combination(1, matrix::identity(d), -1, step)));
    }
    EXPECT_TRUE(within(4, error, one_step_error(a, sigma, m))) << "m = " << m;
    EXPECT_FALSE(within(4, error, one_step_error(transposed(a), sigma, m))) << "the test can tell A from Aᵀ";
    EXPECT_FALSE(within(4, error, limit_errors(a, sigma, 1)[1])) << "the test can see the terms in 1/m";
  }
}

// The sampler draws no examples; where m < d its sample covariances are singular. Both the exact mean over w and the
// weights that it draws count.
TEST(one_step_error, is_what_wishart_prompts_show) {
  const blas_threads one(1);
  constexpr int d = 5;
  const matrix a = reference::combination(0.3, matrix::identity(d), 0.1, gaussian(d, d, "not symmetric"));
  for (const covariance& sigma :
       {rotated(power_law(d, 15), "wishart"), rotated(covariance({3, 1, 0, 1, 0}), "zero"), power_law(d, 15)}) {
    for (const int m : {1, d - 1, d, d + 1, 10 * d}) {
      const wishart_source source(task_mixture(sigma), m, key_builder("one step").add(m).key());
      support::sample_means error(2);
      prompt_lanes p;
      for (std::uint64_t block = 0; block < 2500; ++block) {
        source.draw(block, p);
        for (int lane = 0; lane < lane_count; ++lane) {
          const matrix step = reference::combination(1, matrix::identity(d), -1,
                                                     reference::product(a, gram_of_lane(1.0 / m, p.factor, lane)));
          const matrix w = p.w.block(0, lane, d, 1);
          error.add(
              std::vector<double>{reference::squared_norm(step), reference::squared_norm(reference::product(step, w))});
        }
      }
      const double exact = one_step_error(a, sigma, m);
      EXPECT_TRUE(within(4, error, std::vector<double>{exact, exact})) << "m = " << m;
      const double other = one_step_error(a, sigma, m + std::max(1, m / 4));
      EXPECT_FALSE(within(4, error, std::vector<double>{other, other})) << "the test can tell another m";
    }
  }
}

TEST(one_step_error, has_known_special_cases) {
  for (const int d : {1, 2, 17}) {
    const covariance isotropic(std::vector<double>(static_cast<std::size_t>(d), 1.0));
    EXPECT_DOUBLE_EQ(one_step_error(matrix(d, d), isotropic, 3), d) << "no step";
    EXPECT_NEAR(one_step_error(matrix::identity(d), isotropic, 3), d * (d + 1) / 3.0, 4 * d * d * epsilon)
        << "Newton's step, but for the finite prompt";
  }
  EXPECT_THAT([] { one_step_error(matrix(1, 1), covariance({1}), 0); },
              ThrowsMessage<precondition_error>(HasSubstr("got 0")));
}

}  // namespace
}  // namespace cotscale
