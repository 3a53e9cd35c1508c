#include "cotscale/model/lsa.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/model/pseudo_newton.hpp"
#include "reference/lsa.hpp"
#include "reference/matrix.hpp"
#include "support/explicit_lanes.hpp"
#include "support/matrices.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

// A prompt with features of a covariance that is neither diagonal nor isotropic.
struct test_prompt {
  test_prompt(int d, int m) : w(gaussian(d, "w")), y(static_cast<std::size_t>(m)) {
    const matrix factor = reference::combination(1, matrix::identity(d), 0.3, gaussian(d, d, "factor"));
    x = reference::product(factor, gaussian(d, m, "z"));
    for (int i = 0; i < m; ++i) {
      for (int a = 0; a < d; ++a) y[static_cast<std::size_t>(i)] += w[static_cast<std::size_t>(a)] * x(a, i);
    }
    s = reference::gram(1.0 / m, x);
  }
  std::vector<double> w;
  std::vector<double> y;
  matrix x;
  matrix s;
};

// All blocks non-zero.
lsa_parameters dense_parameters(int d, double scale) {
  const int rows = 2 * d + 2;
  const auto draw = [&](std::string_view name) {
    return reference::combination(scale, gaussian(rows, rows, name), 0, matrix(rows, rows));
  };
  return {.v = draw("v"), .w = draw("w")};
}

// A non-symmetric A near tr(S)⁻¹ I, with which the chain contracts at first.
lsa_slice random_slice(int d, const matrix& s, double c) {
  const matrix a = reference::combination(1 / trace(s), matrix::identity(d), 0.3 / trace(s) / std::sqrt(d),
                                          gaussian(d, d, "preconditioner"));
  return {.c = c, .v31 = reference::combination(-1 / c, a, 0, a)};
}

double squared_distance(const matrix& estimates, int k, const std::vector<double>& w) {
  double sum = 0;
  for (int a = 0; a < estimates.columns(); ++a) {
    sum += std::pow(estimates(k, a) - w[static_cast<std::size_t>(a)], 2);
  }
  return sum;
}

// ---- the layout of the embedding and of the parameters ----

TEST(full_parameters, put_every_block_in_its_place) {
  for (const int d : {1, 2, 17}) {
    const matrix v31 = gaussian(d, d, "v31");
    const lsa_parameters p = full_parameters({.c = -0.7, .v31 = v31});
    const int size = 2 * d + 2;
    matrix v(size, size);
    matrix w(size, size);
    for (int i = 0; i < d; ++i) {
      for (int j = 0; j < d; ++j) v(d + 1 + i, j) = v31(i, j);  // row group 3, column group 1
      w(i, d + 1 + i) = -0.7;                                   // W₁₃ = c I
    }
    w(d, 2 * d + 1) = 0.7;  // W₂₄ = −c
    EXPECT_EQ(p.v, v) << d;
    EXPECT_EQ(p.w, w) << d;
    EXPECT_EQ(p.dimension(), d);
  }
}

TEST(full_parameters, refuse_a_slice_that_is_none) {
  EXPECT_THAT([] { full_parameters({.c = 0, .v31 = matrix(2, 2)}); },
              ThrowsMessage<precondition_error>(HasSubstr("c = 0")));
  EXPECT_THAT([] { full_parameters({.c = 1, .v31 = matrix(2, 3)}); },
              ThrowsMessage<precondition_error>(HasSubstr("(2, 3)")));
}

TEST(preconditioner, is_minus_c_times_v31) {
  const matrix v31 = gaussian(3, 3, "v31");
  EXPECT_TRUE(close(preconditioner({.c = -2, .v31 = v31}), reference::combination(2, v31, 0, v31), 0));
}

TEST(embedding, puts_every_value_in_its_place) {
  for (const int d : {1, 2, 17}) {
    for (const int m : {1, 2, 31}) {
      const test_prompt p(d, m);
      EXPECT_EQ(embedding(p.x, p.y), reference::embedding(p.x, p.y)) << "(" << d << ", " << m << ")";
    }
  }
  EXPECT_THAT([] { embedding(matrix(2, 3), std::vector<double>(2)); },
              ThrowsMessage<precondition_error>(AllOf(HasSubstr("(2, 3)"), HasSubstr("y (2)"))));
}

// ---- the definition ----

TEST(attend, is_the_definition_for_any_parameters_and_tokens) {
  for (const int d : {1, 2, 3, 5}) {
    for (const int tokens : {1, 2, 17}) {
      const lsa_parameters p = dense_parameters(d, 1);
      const matrix e = gaussian(2 * d + 2, tokens, "e");
      const matrix f = reference::attend(p.v, p.w, e, 2.5);
      // The terms of an entry of V E Eᵀ W E, in absolute value, say how large its rounding can be.
      const matrix terms =
          reference::attend(reference::absolute(p.v), reference::absolute(p.w), reference::absolute(e), 2.5);
      const double tolerance = 4 * (3 * e.rows() + tokens) * epsilon * reference::largest(terms);
      EXPECT_TRUE(close(attend(p, e, 2.5), f, tolerance)) << "d = " << d << ", " << tokens << " tokens";
    }
  }
}

TEST(attend, can_be_done_by_hand_for_one_example) {
  // d = 1: E = [x 0; y 0; 0 0; 0 1] with x = 2, y = 3; score of the example for the last token: y W₂₄ = −3 c.
  const matrix e = embedding(matrix(1, 1, 2.0), std::vector<double>{3});
  const matrix f = attend(full_parameters({.c = 0.5, .v31 = matrix(1, 1, -4.0)}), e, 1);
  EXPECT_THAT(f.block(0, 1, 4, 1).values(), testing::ElementsAre(0, 0, -4 * 2 * (-0.5 * 3), 1));
  EXPECT_EQ(f.block(0, 0, 4, 1), e.block(0, 0, 4, 1)) << "examples stay as they are on the slice";
}

TEST(roll_out_definition, is_the_definition_for_any_parameters) {
  for (const int d : {1, 2, 3}) {
    for (const int m : {1, 2, 7}) {
      const test_prompt prompt(d, m);
      const lsa_parameters p = dense_parameters(d, 0.4);
      const matrix expected = reference::roll_out(p.v, p.w, prompt.x, prompt.y, 3);
      const matrix found = roll_out_definition(p, prompt.x, prompt.y, 3);
      // Rounding grows with the cubic map: relative to its largest value, by less than 1e4 at these sizes.
      EXPECT_TRUE(close(found, expected, 1e4 * epsilon * std::max(1.0, reference::largest(expected))))
          << "(" << d << ", " << m << ")";
      EXPECT_GT(reference::largest(expected.block(3, 0, 1, d)), 1e-3) << "the parameters must do something";
    }
  }
}

TEST(roll_out_definition, starts_at_zero) {
  const test_prompt p(3, 5);
  EXPECT_EQ(roll_out_definition(dense_parameters(3, 1), p.x, p.y, 0), matrix(1, 3));
}

TEST(roll_out_definition, does_not_change_earlier_estimates_by_thinking_longer) {
  const test_prompt p(3, 5);
  const lsa_parameters parameters = dense_parameters(3, 0.3);
  EXPECT_TRUE(close(roll_out_definition(parameters, p.x, p.y, 4).block(0, 0, 3, 3),
                    roll_out_definition(parameters, p.x, p.y, 2), 1e-10));
}

// ---- the recursion, eight prompts side by side ----

// Ŝ of one lane.
matrix sample_covariance(const prompt_lanes& p, int lane) { return gram_of_lane(1.0 / p.m, p.factor, lane); }

// Prompts with a covariance that is neither diagonal nor isotropic.
std::vector<prompt> prompts_of(int d, int m) {
  std::vector<double> eigenvalues;
  for (int j = 1; j <= d; ++j) eigenvalues.push_back(2.0 * j / (d + 1));
  return support::eight_prompts({eigenvalues, random_rotation(d, key_builder("test rotation").key())}, m,
                                key_builder("test prompts").add(m).key());
}

TEST(pseudo_newton, agrees_with_the_definition_on_the_slice) {
  constexpr int steps = 20;
  for (const int d : {1, 2, 5, 17}) {
    for (const int m : {1, 2, 31}) {
      const std::vector<prompt> prompts = prompts_of(d, m);
      const prompt_lanes lanes = support::side_by_side(prompts);
      for (const double c : {1.0, -1.0, 0.2, 3.0}) {
        const lsa_slice slice = random_slice(d, sample_covariance(lanes, 0), c);
        matrix errors(steps + 1, lane_count);
        pseudo_newton(preconditioner(slice), lanes, errors);
        for (int lane = 0; lane < lane_count; ++lane) {
          const prompt& p = prompts[static_cast<std::size_t>(lane)];
          const matrix estimates = roll_out_definition(full_parameters(slice), p.x, p.y, steps);
          for (int k = 0; k <= steps; ++k) {
            EXPECT_NEAR(errors(k, lane), squared_distance(estimates, k, p.w),
                        1e-10 * std::max(errors(0, lane), errors(k, lane)))
                << "d " << d << ", m " << m << ", c " << c << ", k " << k << ", lane " << lane;
          }
          EXPECT_GT(std::abs(errors(1, lane) / errors(0, lane) - 1), 1e-6) << "the slice must do something";
        }
      }
    }
  }
}

// Proposition 3.2: w_k − w = −(I − AŜ)^k w.
TEST(pseudo_newton, is_a_matrix_power) {
  for (const int d : {1, 2, 3, 7, 8, 9, 17, 31}) {
    const prompt_lanes lanes = support::side_by_side(prompts_of(d, 9));
    const matrix a = preconditioner(random_slice(d, sample_covariance(lanes, 0), 1));
    matrix errors(8, lane_count);
    pseudo_newton(a, lanes, errors);
    for (int lane = 0; lane < lane_count; ++lane) {
      const matrix step =
          reference::combination(1, matrix::identity(d), -1, reference::product(a, sample_covariance(lanes, lane)));
      const matrix w = lanes.w.block(0, lane, d, 1);
      for (int k = 0; k < 8; ++k) {
        const double expected = reference::squared_norm(reference::product(reference::power(step, k), w));
        EXPECT_NEAR(errors(k, lane), expected, 1e-12 * std::max(errors(0, lane), expected)) << k;
      }
    }
  }
}

// Ŝ = I, w = (4, 3) in every lane.
prompt_lanes orthonormal_prompts(double first, double second) {
  prompt_lanes p{
      .m = 4, .factor = {.rows = 2, .columns = 2, .packed = matrix(3, lane_count)}, .w = matrix(2, lane_count)};
  for (int lane = 0; lane < lane_count; ++lane) {
    p.factor.packed(0, lane) = p.factor.packed(2, lane) = 2;
    p.w(0, lane) = first;
    p.w(1, lane) = second;
  }
  return p;
}

TEST(pseudo_newton, can_be_done_by_hand) {
  matrix errors(3, lane_count);
  pseudo_newton(matrix::diagonal(std::vector<double>{0.5, 2}), orthonormal_prompts(4, 3), errors);
  for (int lane = 0; lane < lane_count; ++lane) {
    EXPECT_THAT(errors.block(0, lane, 3, 1).values(), testing::ElementsAre(16 + 9, 4 + 9, 1 + 9));
  }
}

TEST(pseudo_newton, of_an_overshooting_model_does_not_hide_it) {
  matrix errors(6, lane_count);
  pseudo_newton(matrix::diagonal(std::vector<double>{1e100, 1e100}), orthonormal_prompts(1, -1), errors);
  EXPECT_NEAR(errors(1, 5) / 2e200, 1, 1e-12);
  for (int k = 2; k < 6; ++k) EXPECT_FALSE(std::isfinite(errors(k, 5))) << k;
}

TEST(pseudo_newton, keeps_a_diverging_prompt_from_the_others) {
  prompt_lanes p = orthonormal_prompts(4, 3);
  p.w(0, 2) = 1e300;
  matrix errors(3, lane_count);
  pseudo_newton(matrix::diagonal(std::vector<double>{0.5, 2}), p, errors);
  EXPECT_FALSE(std::isfinite(errors(1, 2)));
  for (const int lane : {0, 1, 3, 7}) EXPECT_EQ(errors(2, lane), 10) << lane;
}

TEST(pseudo_newton, writes_as_many_errors_as_there_is_room_for) {
  matrix none(0, lane_count), one(1, lane_count);
  pseudo_newton(matrix::identity(2), orthonormal_prompts(4, 3), none);
  pseudo_newton(matrix::identity(2), orthonormal_prompts(4, 3), one);
  EXPECT_THAT(one.values(), testing::Each(25));
}

TEST(pseudo_newton, says_which_shapes_do_not_fit) {
  matrix errors(2, lane_count);
  const prompt_lanes p = orthonormal_prompts(4, 3);
  EXPECT_THAT([&] { pseudo_newton(matrix(3, 3), p, errors); },
              ThrowsMessage<precondition_error>(AllOf(HasSubstr("A (3, 3)"), HasSubstr("w (2, 8)"))));
  EXPECT_THROW(pseudo_newton(matrix(2, 3), p, errors), precondition_error);
}

// Any V and W: examples of half the size are what the model in these units expects.
TEST(in_units, is_the_same_model_of_features_in_other_units) {
  constexpr int d = 3;
  const test_prompt p(d, 5);
  const lsa_parameters model{.v = gaussian(2 * d + 2, 2 * d + 2, "v"), .w = gaussian(2 * d + 2, 2 * d + 2, "w")};
  const matrix expected = roll_out_definition(model, p.x, p.y, 3);
  for (const int exponent : {-6, 0, 4}) {
    std::vector<double> y = p.y;
    for (double& value : y) value = std::ldexp(value, -exponent / 2);
    const matrix x = times_power_of_two(p.x, -exponent / 2);
    EXPECT_EQ(roll_out_definition(in_units(model, exponent), x, y, 3), expected) << exponent;
  }
  EXPECT_THAT([&] { in_units(model, 3); }, ThrowsMessage<precondition_error>(HasSubstr("3 is odd")));
}

}  // namespace
}  // namespace cotscale
