#include "cotscale/model/lsa.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "reference/lsa.hpp"
#include "reference/matrix.hpp"
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

// ---- the recursion ----

TEST(roll_out_recursion, agrees_with_the_definition_on_the_slice) {
  constexpr int steps = 20;
  for (const int d : {1, 2, 5, 17}) {
    for (const int m : {1, 2, 31}) {
      for (const double c : {1.0, -1.0, 0.2, 3.0}) {
        const test_prompt p(d, m);
        const lsa_slice slice = random_slice(d, p.s, c);
        std::vector<double> errors(steps + 1);
        roll_out_recursion(preconditioner(slice), p.s, p.w, errors);
        const matrix estimates = roll_out_definition(full_parameters(slice), p.x, p.y, steps);
        for (int k = 0; k <= steps; ++k) {
          const double found = errors[static_cast<std::size_t>(k)];
          EXPECT_NEAR(found, squared_distance(estimates, k, p.w), 1e-10 * std::max(errors[0], found))
              << "d " << d << ", m " << m << ", c " << c << ", k " << k;
        }
        EXPECT_GT(std::abs(errors[1] / errors[0] - 1), 1e-4) << "the slice must do something";
      }
    }
  }
}

// Proposition 3.2: w_k − w = −(I − AŜ)^k w.
TEST(roll_out_recursion, is_a_matrix_power) {
  for (const int d : {1, 2, 17, 31}) {
    const test_prompt p(d, 9);
    const matrix a = preconditioner(random_slice(d, p.s, 1));
    const matrix step = reference::combination(1, matrix::identity(d), -1, reference::product(a, p.s));
    matrix w(d, 1);
    std::copy(p.w.begin(), p.w.end(), w.data());
    std::vector<double> errors(8);
    roll_out_recursion(a, p.s, p.w, errors);
    for (int k = 0; k < 8; ++k) {
      const double expected = reference::squared_norm(reference::product(reference::power(step, k), w));
      EXPECT_NEAR(errors[static_cast<std::size_t>(k)], expected, 1e-12 * std::max(errors[0], expected)) << k;
    }
  }
}

TEST(roll_out_recursion, can_be_done_by_hand) {
  const matrix a = matrix::diagonal(std::vector<double>{0.5, 2});
  const matrix s = matrix::diagonal(std::vector<double>{1, 1});
  std::vector<double> errors(3);
  roll_out_recursion(a, s, std::vector<double>{4, 3}, errors);
  EXPECT_THAT(errors, testing::ElementsAre(16 + 9, 4 + 9, 1 + 9));
}

TEST(roll_out_recursion, of_an_overshooting_model_does_not_hide_it) {
  const matrix a = matrix::diagonal(std::vector<double>{1e100, 1e100});
  std::vector<double> errors(6);
  roll_out_recursion(a, matrix::identity(2), std::vector<double>{1, -1}, errors);
  EXPECT_NEAR(errors[1] / 2e200, 1, 1e-12);
  for (std::size_t k = 2; k < errors.size(); ++k) EXPECT_FALSE(std::isfinite(errors[k])) << k;
}

TEST(roll_out_recursion, writes_as_many_errors_as_there_is_room_for) {
  std::vector<double> none;
  roll_out_recursion(matrix::identity(1), matrix::identity(1), std::vector<double>{3}, none);
  std::vector<double> one(1);
  roll_out_recursion(matrix::identity(1), matrix::identity(1), std::vector<double>{3}, one);
  EXPECT_THAT(one, testing::ElementsAre(9));
}

TEST(roll_out_recursion, says_which_shapes_do_not_fit) {
  std::vector<double> errors(2);
  const auto call = [&](const matrix& a, const matrix& s, int d) {
    roll_out_recursion(a, s, std::vector<double>(static_cast<std::size_t>(d)), errors);
  };
  EXPECT_THAT([&] { call(matrix(2, 2), matrix(3, 3), 2); }, ThrowsMessage<precondition_error>(HasSubstr("(3, 3)")));
  EXPECT_THAT([&] { call(matrix(2, 2), matrix(2, 2), 5); }, ThrowsMessage<precondition_error>(HasSubstr("w (5)")));
  EXPECT_THROW(call(matrix(2, 3), matrix(2, 2), 2), precondition_error);
  EXPECT_THROW(call(matrix(2, 2), matrix(2, 3), 2), precondition_error);
}

}  // namespace
}  // namespace cotscale
