// Training on a covariance that is held as a scalar is training on the same in full.
#include <gtest/gtest.h>

#include <stop_token>
#include <vector>

#include "cotscale/task/moments.hpp"
#include "cotscale/train/lsa_population.hpp"

namespace cotscale {
namespace {

void expect_equal(const trained_slice& scalar, const trained_slice& full, int d) {
  ASSERT_EQ(scalar.model.v31.rows(), 1);
  for (int i = 0; i < d; ++i) EXPECT_DOUBLE_EQ(scalar.model.v31(0, 0), full.model.v31(i, i));
  EXPECT_EQ(scalar.record.steps, full.record.steps);
  EXPECT_EQ(scalar.record.converged, full.record.converged);
  EXPECT_NEAR(scalar.record.final_loss, full.record.final_loss, 1e-12 * d);
  EXPECT_NEAR(scalar.record.gradient_norm, full.record.gradient_norm, 1e-12);
  EXPECT_NEAR(scalar.record.direction_error, full.record.direction_error, 1e-12);
}

TEST(lsa_isotropic, descends_and_ends_where_the_matrix_does) {
  constexpr int d = 7, n = 11;
  const std::vector<std::int64_t> recorded{0, 1, 4};
  const task_mixture scalar{prompt_distribution(covariance::isotropic(d, 1.5))};
  const task_mixture full{prompt_distribution(covariance(std::vector<double>(d, 1.5)))};
  const prompt_moments of_scalar = moments(scalar, n), of_full = moments(full, n);
  descent_options options;
  options.c = 0.7;
  expect_equal(descend(of_scalar, options, recorded, {}), descend(of_full, options, recorded, {}), d);
  expect_equal(closed_form(of_scalar, optimal_preconditioner(scalar, n), 0.7, recorded),
               closed_form(of_full, optimal_preconditioner(full, n), 0.7, recorded), d);
  options.step_size = 0.01;
  options.max_steps = 3;
  const trained_slice slow = descend(of_scalar, options, recorded, {});
  expect_equal(slow, descend(of_full, options, recorded, {}), d);
  EXPECT_FALSE(slow.record.converged);
  EXPECT_DOUBLE_EQ(slow.record.loss[0], 0.5 * d) << "nothing is known yet of any of the directions";
}

}  // namespace
}  // namespace cotscale
