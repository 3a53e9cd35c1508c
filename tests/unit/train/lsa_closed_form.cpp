// The minimiser of the loss of the population in closed form.
#include "cotscale/train/lsa_population.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "cotscale/base/error.hpp"
#include "support/matrices.hpp"
#include "support/power_laws.hpp"
#include "unit/train/lsa_descents.hpp"
#include "unit/train/relative_distance.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::power_law;
using support::rotated;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(closed_form, is_minus_gamma_inverse_over_c) {
  for (const int d : {1, 2, 17}) {
    for (const double c : {1.0, -0.3}) {
      for (const int n : {1, 40}) {
        const covariance lambda = rotated(power_law(d, d == 1 ? 1 : 5 * d), "closed form");
        const trained_slice trained = closed_form(moments(lambda, n), optimal_preconditioner(lambda, n), c, {});
        // E[Ŝ²] = ΛΓ has the condition number of Λ times that of Γ, hardness² at most.
        EXPECT_LT(relative_distance(trained.model.v31, trained_v31(lambda, n, c)),
                  8 * d * epsilon * std::pow(lambda.hardness(), 2));
        EXPECT_GE(trained.record.gradient_norm, 0);
        EXPECT_LT(trained.record.gradient_norm, 8 * d * epsilon * std::pow(lambda.hardness(), 2));
      }
    }
  }
}

TEST(closed_form, is_zero_where_training_sees_nothing) {
  const covariance lambda = rotated(covariance({2, 0, 1, 0}), "singular");
  const matrix exact = lambda.apply([](double l) { return l > 0 ? 2 / (1.2 * l + 3.0 / 5) : 0; });
  EXPECT_TRUE(close(closed_form(moments(lambda, 5), optimal_preconditioner(lambda, 5), -0.5, {}).model.v31, exact,
                    256 * epsilon));
}

TEST(closed_form, is_where_descent_ends) {
  const covariance lambda = rotated(power_law(7, 30), "both");
  const prompt_moments m = moments(lambda, 10);
  const trained_slice descended = descend_quietly(m, with_c(-2));
  const trained_slice solved = closed_form(m, optimal_preconditioner(lambda, 10), -2, {});
  EXPECT_LT(relative_distance(solved.model.v31, descended.model.v31), 30 * 1e-10);
  EXPECT_NEAR(solved.record.final_loss, descended.record.final_loss, 1e-12);
}

TEST(closed_form, has_the_record_of_a_training_without_steps) {
  const std::vector<std::int64_t> loss_steps{0, 1, 2};
  const covariance lambda = power_law(5, 20);
  const prompt_moments m = moments(lambda, 10);
  const trained_slice trained = closed_form(m, optimal_preconditioner(lambda, 10), 1, loss_steps);
  EXPECT_TRUE(trained.record.converged);
  EXPECT_EQ(trained.record.steps, 0);
  EXPECT_EQ(trained.record.loss[0], population_loss(trained.model, m));
  EXPECT_TRUE(std::isnan(trained.record.loss[1]) && std::isnan(trained.record.loss[2]));
  EXPECT_THAT([&] { closed_form(m, m.mean, 0, {}); }, ThrowsMessage<precondition_error>(HasSubstr("got 0")));
}

}  // namespace
}  // namespace cotscale
