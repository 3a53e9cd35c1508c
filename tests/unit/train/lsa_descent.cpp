// Descent on the loss of the population.
#include "cotscale/train/lsa_population.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "reference/matrix.hpp"
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

descent_options with_max_steps(std::int64_t steps, double c = 1) {
  descent_options out = with_c(c);
  out.max_steps = steps;
  return out;
}

descent_options with_step_size(double step_size, double c = 1) {
  descent_options out = with_c(c);
  out.step_size = step_size;
  return out;
}

TEST(descend, reaches_minus_gamma_inverse_over_c) {
  constexpr int d = 5;
  for (const double hardness : {5.0, 10.0, 30.0, 100.0}) {
    for (const int n : {1, 5, 40}) {
      for (const double c : {1.0, -1.0, 0.1, -20.0}) {
        const covariance lambda = rotated(power_law(d, hardness), "descend");
        const trained_slice trained = descend_quietly(moments(lambda, n), with_c(c));
        EXPECT_TRUE(trained.record.converged);
        EXPECT_LE(trained.record.gradient_norm, 1e-10);
        EXPECT_EQ(trained.model.c, c);
        EXPECT_LE(trained.record.direction_error, 1e-10);
        EXPECT_FALSE(trained.record.diverged);
        EXPECT_LT(relative_distance(trained.model.v31, trained_v31(lambda, n, c)), 1.1e-10)
            << "hardness " << hardness << ", n " << n << ", c " << c;
      }
    }
  }
}

TEST(descend, has_an_end_that_does_not_depend_on_c) {
  const prompt_moments m = moments(rotated(power_law(7, 30), "c"), 10);
  const trained_slice one = descend_quietly(m, with_c(1));
  const trained_slice other = descend_quietly(m, with_c(-4));
  EXPECT_EQ(one.record.steps, other.record.steps) << "the default step follows c²";
  EXPECT_LT(relative_distance(preconditioner(other.model), preconditioner(one.model)), 1e-12);
  const trained_slice tiny = descend_quietly(m, with_c(1e-200));  // 1/c² is no double
  EXPECT_TRUE(tiny.record.converged);
  EXPECT_LT(relative_distance(preconditioner(tiny.model), preconditioner(one.model)), 1e-12);
}

TEST(descend, leaves_directions_alone_that_training_does_not_see) {
  const covariance plain({2, 0, 1, 0});
  const matrix v31 = descend_quietly(moments(plain, 5)).model.v31;
  for (const int i : {1, 3}) {
    EXPECT_EQ(reference::largest(v31.block(i, 0, 1, 4)), 0);
    EXPECT_EQ(reference::largest(v31.block(0, i, 4, 1)), 0);
  }
  EXPECT_NEAR(v31(0, 0), -1 / (1.2 * 2 + 3.0 / 5), 1e-9);
  EXPECT_NEAR(v31(2, 2), -1 / (1.2 * 1 + 3.0 / 5), 1e-9);

  const covariance turned = rotated(plain, "singular");
  const trained_slice trained = descend_quietly(moments(turned, 5));
  const matrix null_vectors = reference::product(turned.basis(), matrix::diagonal(std::vector<double>{0, 1, 0, 1}));
  EXPECT_TRUE(trained.record.converged);
  EXPECT_LT(reference::largest(reference::product(trained.model.v31, null_vectors)),
            static_cast<double>(trained.record.steps + 1) * 16 * epsilon);
  const matrix exact = turned.apply([](double l) { return l > 0 ? -1 / (1.2 * l + 3.0 / 5) : 0; });
  EXPECT_LT(relative_distance(trained.model.v31, exact), 1e-9);
}

// Along an eigenvector, 1 + c γ V₃₁ is multiplied by 1 − η c² λ γ in every step.
TEST(descend, contracts_every_eigenvector_at_its_own_rate) {
  constexpr int n = 4;
  constexpr double c = -0.5;
  constexpr double step_size = 0.4;
  const covariance plain({3, 1, 0.25, 0});
  const covariance turned = rotated(plain, "contraction");
  for (const std::int64_t steps : {0, 1, 2, 17, 200}) {
    const auto exact = [&](double l) {
      const double gamma = (1 + 1.0 / n) * l + plain.trace() / n;
      return -(1 - std::pow(1 - step_size * c * c * l * gamma, static_cast<double>(steps))) / (c * gamma);
    };
    for (const covariance& lambda : {plain, turned}) {
      descent_options options = with_step_size(step_size, c);
      options.tolerance = 1e-300;
      options.max_steps = steps;
      const trained_slice trained = descend_quietly(moments(lambda, n), options);
      EXPECT_EQ(trained.record.steps, steps);
      EXPECT_TRUE(close(trained.model.v31, lambda.apply(exact), static_cast<double>(steps + 1) * 32 * epsilon))
          << steps << " steps";
    }
  }
}

TEST(descend, takes_the_largest_step_that_converges_monotonically) {
  const covariance lambda = rotated(power_law(5, 20), "step");
  const auto largest_rate = [&](int n) {  // ‖ΛΓ‖, at the largest eigenvalue
    const double l = lambda.largest_eigenvalue();
    return l * ((1 + 1.0 / n) * l + lambda.trace() / n);
  };
  for (const int n : {1, 40}) {
    for (const double c : {1.0, -3.0}) {
      EXPECT_NEAR(descend_quietly(moments(lambda, n), with_c(c)).record.step_size * c * c * largest_rate(n), 1,
                  100 * epsilon);
    }
  }
}

TEST(descend, ends_unconverged_at_the_last_step) {
  const prompt_moments m = moments(power_law(5, 20), 10);
  for (const std::int64_t most : {0, 1, 5}) {
    const training_record record = descend_quietly(m, with_max_steps(most)).record;
    EXPECT_FALSE(record.converged);
    EXPECT_EQ(record.steps, most);
    EXPECT_GT(record.gradient_norm, 1e-10);
  }
  EXPECT_EQ(descend_quietly(m, with_max_steps(0)).model.v31, matrix(5, 5)) << "V₃₁ starts at zero";
  EXPECT_EQ(descend_quietly(m, with_max_steps(0)).record.gradient_norm, 1);
}

TEST(descend, ends_unconverged_when_steps_are_too_large) {
  const covariance lambda = rotated(power_law(5, 20), "divergence");
  const prompt_moments m = moments(lambda, 10);
  const double critical = 2 * descend_quietly(m).record.step_size;
  EXPECT_TRUE(descend_quietly(m, with_step_size(0.99 * critical)).record.converged);
  for (const double factor : {1.1, 1e3, 1e100}) {
    const training_record record = descend_quietly(m, with_step_size(factor * critical)).record;
    EXPECT_FALSE(record.converged) << factor;
    EXPECT_TRUE(record.diverged) << factor;
    EXPECT_GT(record.gradient_norm, factor) << factor;
    EXPECT_LT(record.steps, 1'000'000) << "it must not go on to the last step";
  }
}

TEST(descend, records_a_decreasing_loss_and_nothing_beyond_the_end) {
  const prompt_moments m = moments(rotated(power_law(5, 20), "losses"), 10);
  const std::vector<std::int64_t> loss_steps{0, 1, 2, 4, 8, 16, 32, 64, 1'000'000'000};
  const training_record record = descend_quietly(m, with_max_steps(40), loss_steps).record;
  ASSERT_EQ(record.loss.size(), loss_steps.size());
  EXPECT_EQ(record.loss[0], 2.5) << "d/2 at the start";
  for (std::size_t i = 1; i < 7; ++i) EXPECT_LT(record.loss[i], record.loss[i - 1]) << loss_steps[i];
  EXPECT_LT(record.final_loss, record.loss[6]);
  EXPECT_TRUE(std::isnan(record.loss[7]));
  EXPECT_TRUE(std::isnan(record.loss[8]));
}

TEST(descend, records_the_loss_of_the_step_that_it_names) {
  const prompt_moments m = moments(rotated(power_law(5, 20), "losses"), 10);
  const std::vector<std::int64_t> loss_steps{1, 3, 10};
  const training_record record = descend_quietly(m, with_c(-2), loss_steps).record;
  for (std::size_t i = 0; i < loss_steps.size(); ++i) {
    const trained_slice stopped_there = descend_quietly(m, with_max_steps(loss_steps[i], -2));
    EXPECT_NEAR(record.loss[i], population_loss(stopped_there.model, m), 64 * epsilon) << loss_steps[i];
    EXPECT_EQ(record.loss[i], stopped_there.record.final_loss) << loss_steps[i];
  }
}

TEST(descend, stops_when_asked) {
  std::stop_source source;
  source.request_stop();
  EXPECT_THROW(descend(moments(power_law(5, 20), 10), {}, {}, source.get_token()), stopped);
}

TEST(descend, refuses_options_that_cannot_work) {
  const prompt_moments m = moments(power_law(2, 3), 10);
  descent_options intolerant;
  intolerant.tolerance = 0;
  EXPECT_THAT([&] { descend_quietly(m, with_c(0)); }, ThrowsMessage<precondition_error>(HasSubstr("c = 0")));
  EXPECT_THROW(descend_quietly(m, intolerant), precondition_error);
  EXPECT_THROW(descend_quietly(m, with_max_steps(-1)), precondition_error);
}

}  // namespace
}  // namespace cotscale
