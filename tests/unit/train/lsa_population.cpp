// The loss of the population and its gradient.
#include "cotscale/train/lsa_population.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "cotscale/task/prompt.hpp"
#include "reference/lsa.hpp"
#include "reference/matrix.hpp"
#include "support/gradient_check.hpp"
#include "support/matrices.hpp"
#include "support/monte_carlo.hpp"
#include "support/power_laws.hpp"

namespace cotscale {
namespace {

using support::epsilon;
using support::gaussian;
using support::is_gradient;
using support::power_law;
using support::rotated;

matrix scaled(double factor, const matrix& a) { return reference::combination(factor, a, 0, a); }

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

}  // namespace
}  // namespace cotscale
