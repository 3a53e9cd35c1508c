#include "cotscale/train/lsa_population.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stop_token>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/task/prompt.hpp"
#include "cotscale/task/spectrum.hpp"
#include "reference/lsa.hpp"
#include "reference/matrix.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"
#include "support/monte_carlo.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using support::is_gradient;
using testing::HasSubstr;
using testing::ThrowsMessage;

covariance power_law(int d, double hardness) {
  return covariance(scaled_to_trace(power_law_spectrum(d, power_law_exponent(d, hardness)), d));
}

covariance rotated(const covariance& lambda, std::string_view name) {
  return {{lambda.eigenvalues().begin(), lambda.eigenvalues().end()},
          random_rotation(lambda.dimension(), key_builder(name).key())};
}

matrix scaled(double factor, const matrix& a) { return reference::combination(factor, a, 0, a); }

// −Γ⁻¹/c of a regular task, by elimination.
matrix trained_v31(const covariance& lambda, int n, double c) {
  const matrix gamma =
      reference::combination(1 + 1.0 / n, lambda.values(), lambda.trace() / n, matrix::identity(lambda.dimension()));
  return scaled(-1 / c, reference::inverse(gamma));
}

double relative_distance(const matrix& a, const matrix& b) {
  return reference::frobenius_norm(reference::combination(1, a, -1, b)) / reference::frobenius_norm(b);
}

descent_options with_c(double c) {
  descent_options out;
  out.c = c;
  return out;
}

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

trained_slice descend_quietly(const prompt_moments& moments, const descent_options& options = {},
                              const std::vector<std::int64_t>& loss_steps = {}) {
  return descend(moments, options, loss_steps, std::stop_token());
}

// ---- loss and gradient ----

TEST(population_loss, is_half_the_expected_squared_norm) {
  for (const int d : {1, 2, 17}) {
    for (const double c : {1.0, -2.5}) {
      const prompt_moments m = moments(rotated(power_law(d, d == 1 ? 1 : 3 * d), "loss"), 4);
      const matrix v = gaussian(d, d, "v31");
      // ½ (d + 2c ⟨V, E[Ŝ]⟩ + c² ⟨V E[Ŝ²], V⟩)
      const double linear = 2 * c * reference::inner(v, m.mean);
      const double quadratic = c * c * reference::inner(reference::product(v, m.second), v);
      EXPECT_NEAR(population_loss({.c = c, .v31 = v}, m), 0.5 * (d + linear + quadratic),
                  16 * d * d * epsilon * (d + std::abs(linear) + quadratic));
      EXPECT_EQ(population_loss({.c = c, .v31 = matrix(d, d)}, m), 0.5 * d) << "of the zero estimate";
    }
  }
}

// ½‖f(E)[:, −1] − (0, 0, w, 1)‖² by the definition of f, over prompts with n examples.
TEST(population_loss, is_what_sampled_prompts_show) {
  constexpr int d = 3;
  constexpr int n = 2;
  const covariance lambda = rotated(power_law(d, 8), "sampled loss");
  const lsa_slice slice{.c = -0.8, .v31 = scaled(0.4, gaussian(d, d, "v31"))};
  const lsa_parameters parameters = full_parameters(slice);
  const prompt_source source(lambda, n, key_builder("sampled loss").key());
  support::sample_means loss(1);
  prompt p;
  for (std::uint64_t i = 0; i < 40'000; ++i) {
    source.draw(i, p);
    const matrix f = attend(parameters, embedding(p.x, p.y), n);
    loss.add(0.5 * reference::squared_norm(reference::direct_residual(f, p.w)));
  }
  EXPECT_TRUE(within(5, loss, population_loss(slice, moments(lambda, n))));
  EXPECT_FALSE(within(5, loss, population_loss(slice, moments(lambda, n + 1)))) << "the test can tell n from n + 1";
}

TEST(population_gradient, is_the_slope_of_the_loss_in_random_directions) {
  for (const int d : {1, 2, 5, 17}) {
    for (const double c : {1.0, -2.5}) {
      const prompt_moments m = moments(rotated(power_law(d, d == 1 ? 1 : 4 * d), "gradient"), 3);
      const lsa_slice slice{.c = c, .v31 = gaussian(d, d, "v31")};
      const auto loss = [&](const matrix& v) { return population_loss({.c = c, .v31 = v}, m); };
      const matrix gradient = population_gradient(slice, m);
      for (const char* name : {"first", "second", "third"}) {
        const matrix direction = gaussian(d, d, name);
        // The loss is quadratic: central differences are exact up to rounding, ε·loss/h.
        EXPECT_TRUE(is_gradient(gradient, loss, slice.v31, direction, 0.1, 1e-11)) << "d = " << d << ", c = " << c;
      }
    }
  }
}

TEST(population_gradient, would_not_pass_for_the_slope_if_it_were_wrong) {
  const prompt_moments m = moments(rotated(power_law(5, 20), "gradient"), 3);
  const lsa_slice slice{.c = -2.5, .v31 = gaussian(5, 5, "v31")};
  const auto loss = [&](const matrix& v) { return population_loss({.c = slice.c, .v31 = v}, m); };
  const matrix gradient = population_gradient(slice, m);
  const matrix direction = gaussian(5, 5, "first");
  const auto passes = [&](const matrix& wrong) { return is_gradient(wrong, loss, slice.v31, direction, 0.1, 1e-11); };
  EXPECT_FALSE(passes(transposed(gradient)));
  EXPECT_FALSE(passes(scaled(1 + 1e-6, gradient)));
  EXPECT_FALSE(passes(scaled(1 / slice.c, gradient)));
  EXPECT_FALSE(passes(reference::combination(1, gradient, -2 * slice.c, m.mean)));
  matrix one_entry = gradient;
  one_entry(3, 1) = 0;
  EXPECT_FALSE(passes(one_entry));
}

// Theorem 3.1: on the slice, V₃₁ and the scalar W₂₄ that is held are all that have a gradient. With e the last column
// of E, G = E Eᵀ/n and r = f(E)[:, −1] − (0, 0, w, 1) the gradient of ½‖r‖² is r (G W e)ᵀ for V and (G Vᵀ r) eᵀ for W.
TEST(population_gradient, is_all_that_a_free_block_gets) {
  constexpr int d = 2;
  constexpr int n = 3;
  constexpr int size = 2 * d + 2;
  const covariance lambda = rotated(power_law(d, 5), "free blocks");
  const lsa_slice slice{.c = 0.7, .v31 = scaled(0.5, gaussian(d, d, "v31"))};
  const lsa_parameters p = full_parameters(slice);
  const prompt_source source(lambda, n, key_builder("free blocks").key());
  support::sample_means v_gradient(size * size);
  support::sample_means w_gradient(size * size);
  prompt drawn;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    source.draw(i, drawn);
    const matrix e = reference::embedding(drawn.x, drawn.y);
    const matrix last = e.block(0, n, size, 1);
    const matrix g = reference::gram(1.0 / n, e);
    const matrix gwe = reference::product(g, reference::product(p.w, last));
    const matrix f = reference::combination(1, last, 1, reference::product(p.v, gwe));
    const matrix r = reference::direct_residual(f, drawn.w);
    const matrix gvr = reference::product(g, reference::product(transposed(p.v), r));
    v_gradient.add(reference::product(r, transposed(gwe)).values());
    w_gradient.add(reference::product(gvr, transposed(last)).values());
  }
  matrix expected_v(size, size);
  expected_v.set_block(d + 1, 0, population_gradient(slice, moments(lambda, n)));
  EXPECT_TRUE(within(5, v_gradient, expected_v.values()));
  matrix expected_w(size, size);
  const std::size_t w24 = d * size + 2 * d + 1;
  EXPECT_GT(std::abs(w_gradient.mean(w24)), 10 * w_gradient.standard_error(w24))
      << "W₂₄ would move if it were not held";
  expected_w.values()[w24] = w_gradient.mean(w24);
  EXPECT_TRUE(within(5, w_gradient, expected_w.values()));
}

// ---- descent ----

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

// ---- the closed form ----

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
