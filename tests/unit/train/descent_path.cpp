#include "cotscale/train/descent_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/train/direction_error.hpp"
#include "cotscale/train/lsa_population.hpp"
#include "reference/descent.hpp"
#include "support/matrices.hpp"
#include "support/power_laws.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::power_law;
using support::rotated;

// A task in its own and in a rotated basis, a singular one, and mixtures that commute, that do not, and that lack a
// direction.
std::vector<task_mixture> all_kinds() {
  const covariance hard = power_law(4, 30), other({0.2, 3, 0.5, 0.3});
  return {task_mixture(hard),
          task_mixture(rotated(hard, "one")),
          task_mixture(rotated(covariance({2, 0, 1, 0}), "singular")),
          task_mixture({hard, other}, {0.4, 0.6}),
          task_mixture({rotated(hard, "one"), rotated(other, "two")}, {0.3, 0.7}),
          task_mixture({rotated(covariance({2, 0, 1, 0.1}), "one"), rotated(covariance({3, 0, 0.1, 0}), "one")},
                       {0.3, 0.7})};
}

// ---- the iterates ----

TEST(descent_path, has_the_iterates_of_the_plain_loop) {
  constexpr int n = 6;
  for (const task_mixture& tasks : all_kinds()) {
    const prompt_moments m = moments(tasks, n);
    for (const double c : {1.0, -2.0}) {
      descent_path path(m, c);
      // Monotone, oscillating, and growing.
      for (const double factor : {0.3, 1.0, 1.9, 2.1}) {
        const double step_size = factor * path.set_step_size(std::nullopt);
        path.set_step_size(step_size);
        EXPECT_EQ(path.grows(), factor > 2);
        for (const std::int64_t steps : {0, 1, 2, 3, 10, 101}) {
          const matrix v = reference::descended(m, c, step_size, steps);
          const matrix expected = reference::combination(-c, v, 0, v);
          const double scale = std::max(1.0, reference::largest(expected));
          SCOPED_TRACE(fmt::format("c = {}, step {} of the default, {} steps", c, factor, steps));
          EXPECT_TRUE(
              close(path.preconditioner(steps), expected, static_cast<double>(steps + 1) * 64 * epsilon * scale));
          const double loss = reference::population_loss(m, c, v);
          EXPECT_NEAR(path.loss(steps), loss,
                      static_cast<double>(steps + 1) * 256 * epsilon * std::max(1.0, scale * scale));
          const double first = std::abs(c) * reference::frobenius_norm(m.mean);
          const double gradient =
              reference::frobenius_norm(reference::combination(c * c, reference::product(v, m.second), c, m.mean));
          EXPECT_NEAR(path.gradient_norm(steps), gradient / first,
                      static_cast<double>(steps + 1) * 64 * epsilon * scale);
        }
      }
    }
  }
}

// ---- the weakest direction ----

TEST(descent_path, knows_the_relative_error_of_the_weakest_direction) {
  constexpr int n = 6;
  for (const task_mixture& tasks : all_kinds()) {
    const prompt_moments m = moments(tasks, n);
    descent_path path(m, 1);
    const double step_size = path.set_step_size(std::nullopt);
    EXPECT_NEAR(path.direction_error(0), 1, 1e-14) << "the start is 0";
    const matrix optimum = path.optimum();
    const matrix directions = tasks.size() == 1 ? tasks.task(0).basis() : right_singular_vectors(optimum);
    for (const std::int64_t steps : {1, 2, 30, 300}) {
      const matrix v = reference::descended(m, 1, step_size, steps);
      const direction_error found =
          weakest_direction(reference::combination(-1, v, 0, v), optimum, matrix(4, 4), directions);
      EXPECT_NEAR(path.direction_error(steps), found.largest, 1e-12) << steps << " steps";
    }
  }
}

TEST(descent_path, does_not_lose_a_weak_direction_to_rounding) {
  const covariance lambda = rotated(covariance({1, 1, 1, 1e-11}), "weak");
  const prompt_moments m = moments(lambda, 20);
  descent_path path(m, 1);
  path.set_step_size(std::nullopt);
  // λγ(λ) of the weak direction, relative to that of the others
  const double rate = 1e-11 * 0.15 / (1.05 + 0.15);
  for (const std::int64_t steps : {std::int64_t{1'000'000}, std::int64_t{1} << 40}) {
    EXPECT_NEAR(path.direction_error(steps), std::exp(-rate * static_cast<double>(steps)), 1e-9);
  }
  const std::int64_t needed = static_cast<std::int64_t>(std::log(1e10) / rate);
  EXPECT_LE(path.direction_error(needed + 100'000), 1e-10);
  EXPECT_GT(path.direction_error(needed - 100'000), 1e-10);
  // The map itself, and not only what is said of it.
  const matrix exact = lambda.apply([](double l) { return 1 / (1.05 * l + 0.15); });
  EXPECT_TRUE(close(path.preconditioner(needed), exact, 1e-9));
}

TEST(descend, goes_on_until_the_weakest_direction_has_converged) {
  for (const task_mixture& tasks : all_kinds()) {
    const prompt_moments m = moments(tasks, 6);
    descent_options options;
    for (const double tolerance : {1e-2, 1e-6, 1e-10}) {
      options.tolerance = tolerance;
      const training_record record = descend(m, options, {}, {}).record;
      EXPECT_TRUE(record.converged);
      EXPECT_LE(record.direction_error, tolerance);
      descent_path path(m, 1);
      path.set_step_size(record.step_size);
      EXPECT_GT(path.direction_error(record.steps - 1), tolerance) << "not a step further";
    }
  }
}

TEST(descend, is_not_deceived_by_a_gradient_that_is_small_from_the_start) {
  const prompt_moments weak = moments(covariance({1, 1, 1, 1e-11}), 20);
  const training_record record = descend(weak, {}, {}, {}).record;
  EXPECT_FALSE(record.converged);
  EXPECT_EQ(record.steps, 1'000'000);
  EXPECT_LT(record.gradient_norm, 1e-10) << "what it was judged by once";
  EXPECT_GT(record.direction_error, 0.99);
  descent_options patient;
  patient.max_steps = std::int64_t{1} << 60;
  EXPECT_TRUE(descend(weak, patient, {}, {}).record.converged);
}

TEST(closed_form, of_one_task_is_exact_however_hard_it_is) {
  for (const double least : {1e-3, 1e-9, 1e-15}) {
    const covariance lambda = rotated(covariance({3, 1, 0.5, least}), "hard");
    const trained_slice trained = closed_form(moments(lambda, 10), optimal_preconditioner(lambda, 10), 1, {});
    EXPECT_TRUE(trained.record.converged);
    const matrix exact = lambda.apply([&](double l) { return 1 / (1.1 * l + lambda.trace() / 10); });
    const direction_error found = weakest_direction(preconditioner(trained.model), exact, matrix(4, 4), lambda.basis());
    EXPECT_LT(found.largest, 1e-14) << least;
  }
}

TEST(closed_form, of_a_mixture_says_when_rounding_has_spoilt_it) {
  const auto of = [](double least) {
    const covariance first = rotated(covariance({3, 1, 0.5, least}), "shared");
    const covariance second({{first.eigenvalues().begin(), first.eigenvalues().end()}, first.basis()});
    const task_mixture tasks({first, second}, {0.3, 0.7});
    return closed_form(moments(tasks, 10), optimal_preconditioner(tasks, 10), 1, {}).record;
  };
  EXPECT_TRUE(of(1e-3).converged);
  EXPECT_LT(of(1e-3).direction_error, 1e-11);
  EXPECT_FALSE(of(1e-12).converged) << "the condition number is 3e12";
  EXPECT_GT(of(1e-12).direction_error, 1e-8);
}

// ---- the measure ----

TEST(weakest_direction, is_relative_to_the_gain_of_each) {
  const matrix exact = matrix::diagonal(std::vector<double>{100, 1, 0.01});
  const matrix identity = matrix::identity(3), zero(3, 3);
  const auto error = [&](std::vector<double> values) {
    return weakest_direction(matrix::diagonal(values), exact, zero, identity).largest;
  };
  EXPECT_EQ(error({100, 1, 0.01}), 0);
  EXPECT_NEAR(error({101, 1, 0.01}), 0.01, 1e-15);
  EXPECT_NEAR(error({100, 1, 0.005}), 0.5, 1e-15) << "5e-5 of the norm";
  EXPECT_EQ(error({0, 0, 0}), 1);
  EXPECT_TRUE(std::isinf(error({100, std::nan(""), 0.01})));
  matrix beside = exact;
  beside(0, 2) = 0.02;
  EXPECT_NEAR(weakest_direction(beside, exact, zero, identity).largest, 2, 1e-15) << "an entry off the diagonal";
  EXPECT_NEAR(weakest_direction(exact, exact, zero, identity).rounding, 8 * 3 * epsilon * 1e4, 1e-14);
}

TEST(weakest_direction, holds_untouched_directions_against_where_they_began) {
  const matrix exact = matrix::diagonal(std::vector<double>{2, 1, 0});
  const matrix initial = matrix::diagonal(std::vector<double>{0.3, 0.3, 0.3});
  const auto error = [&](double last) {
    return weakest_direction(matrix::diagonal(std::vector<double>{2, 1, last}), exact, initial, matrix::identity(3))
        .largest;
  };
  EXPECT_EQ(error(0.3), 0);
  EXPECT_NEAR(error(0), 0.15, 1e-15);
  EXPECT_NEAR(error(0.5), 0.1, 1e-15);
}

}  // namespace
}  // namespace cotscale
