#include "cotscale/task/covariance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/monte_carlo.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::array sizes{1, 2, 3, 17, 31, 64 + 1};

stream_key rotation_key(int number = 0) { return key_builder("test rotation").add(number).key(); }

// d, d − 1, … 1.
std::vector<double> descending(int d) {
  std::vector<double> values;
  for (int j = d; j >= 1; --j) values.push_back(j);
  return values;
}

matrix conjugated(const matrix& basis, const std::vector<double>& eigenvalues) {
  return reference::product(reference::product(basis, matrix::diagonal(eigenvalues)), reference::transposed(basis));
}

// Positive semi-definite, (d, d), of the given rank.
matrix random_semidefinite(int d, int rank) { return reference::gram(1, gaussian(d, rank, "factor")); }

// ---- from a spectrum ----

TEST(covariance, of_a_spectrum_is_diagonal_in_the_given_order) {
  const covariance lambda({1, 4, 2});
  EXPECT_EQ(lambda.values(), matrix::diagonal(std::vector<double>{1, 4, 2}));
  EXPECT_EQ(lambda.basis(), matrix::identity(3));
  EXPECT_THAT(lambda.eigenvalues(), testing::ElementsAre(1, 4, 2));
  EXPECT_EQ(lambda.dimension(), 3);
  EXPECT_EQ(lambda.trace(), 7);
  EXPECT_EQ(lambda.largest_eigenvalue(), 4);
  EXPECT_EQ(lambda.hardness(), 7);
  EXPECT_EQ(lambda.support_hardness(), 7);
}

TEST(covariance, of_a_spectrum_and_a_basis_is_their_product) {
  for (const int d : sizes) {
    const matrix basis = random_rotation(d, rotation_key());
    const covariance lambda(descending(d), basis);
    EXPECT_TRUE(close(lambda.values(), conjugated(basis, descending(d)), 4.0 * d * d * epsilon)) << d;
    EXPECT_EQ(lambda.values(), reference::transposed(lambda.values())) << "exactly symmetric, d = " << d;
    EXPECT_NEAR(trace(lambda.values()), lambda.trace(), 4 * d * epsilon * lambda.trace());
  }
}

TEST(covariance, may_be_singular) {
  const covariance lambda({0, 3, 1, 0}, random_rotation(4, rotation_key()));
  EXPECT_EQ(lambda.hardness(), infinity);
  EXPECT_EQ(lambda.support_hardness(), 4);
  EXPECT_EQ(lambda.trace(), 4);
}

TEST(covariance, applies_functions_to_its_eigenvalues) {
  for (const int d : sizes) {
    const covariance lambda(descending(d), random_rotation(d, rotation_key()));
    const double tolerance = 16.0 * d * d * epsilon;
    EXPECT_EQ(lambda.apply([](double l) { return l; }), lambda.values());
    const matrix root = lambda.apply([](double l) { return std::sqrt(l); });
    EXPECT_TRUE(close(reference::product(root, root), lambda.values(), tolerance)) << d;
    const matrix inverse = lambda.apply([](double l) { return 1 / l; });
    EXPECT_TRUE(close(reference::product(inverse, lambda.values()), matrix::identity(d), tolerance)) << d;
    EXPECT_TRUE(close(lambda.apply([](double) { return 1.0; }), matrix::identity(d), tolerance)) << d;
  }
}

TEST(covariance, refuses_spectra_that_are_not_positive_semidefinite) {
  EXPECT_THAT(
      [] {
        covariance({1, -0.5});
      },
      ThrowsMessage<specification_error>(AllOf(HasSubstr("positive semi-definite"), HasSubstr("-0.5"))));
  EXPECT_THAT([] { covariance({1, nan}); }, ThrowsMessage<specification_error>(HasSubstr("nan")));
  EXPECT_THAT([] { covariance({infinity, 1}); }, ThrowsMessage<specification_error>(HasSubstr("inf")));
  EXPECT_THAT([] { covariance({0, 0}); }, ThrowsMessage<specification_error>(HasSubstr("zero")));
}

TEST(covariance, says_which_basis_does_not_fit) {
  EXPECT_THAT(
      [] {
        covariance({1, 2, 3}, matrix(3, 2));
      },
      ThrowsMessage<precondition_error>(AllOf(HasSubstr("3 eigenvalues"), HasSubstr("(3, 2)"))));
}

// ---- from a matrix ----

TEST(covariance, from_a_matrix_is_that_matrix) {
  for (const int d : sizes) {
    const matrix values = random_semidefinite(d, 2 * d);
    const covariance lambda = covariance::from_matrix(values);
    EXPECT_TRUE(close(lambda.values(), values, 8 * d * epsilon * reference::frobenius_norm(values))) << d;
    EXPECT_TRUE(close(conjugated(lambda.basis(), {lambda.eigenvalues().begin(), lambda.eigenvalues().end()}), values,
                      8 * d * epsilon * reference::frobenius_norm(values)));
    EXPECT_TRUE(std::isfinite(lambda.hardness()));
  }
}

TEST(covariance, from_a_matrix_of_low_rank_has_eigenvalues_that_are_exactly_zero) {
  for (const int d : {2, 3, 17, 31}) {
    const int rank = (d + 1) / 2;
    const covariance lambda = covariance::from_matrix(random_semidefinite(d, rank));
    EXPECT_EQ(std::count(lambda.eigenvalues().begin(), lambda.eigenvalues().end(), 0.0), d - rank) << d;
    EXPECT_EQ(lambda.hardness(), infinity);
    EXPECT_TRUE(std::isfinite(lambda.support_hardness()));
  }
}

TEST(covariance, from_a_matrix_allows_for_rounding) {
  matrix values = random_semidefinite(5, 3);
  values(0, 1) *= 1 + 1e-14;
  EXPECT_NO_THROW(covariance::from_matrix(values));
  values(0, 1) += 0.01;
  EXPECT_THAT([&] { covariance::from_matrix(values); },
              ThrowsMessage<specification_error>(AllOf(HasSubstr("not symmetric"), HasSubstr("0.01"))));
}

// In the basis of a rotation, with the least eigenvalue −1.4e−8 that single precision leaves of 0.
TEST(covariance, from_a_matrix_mends_what_single_precision_leaves) {
  matrix values = conjugated(random_rotation(4, rotation_key()), {2, 1, 0.5, -1.4e-8});
  values(0, 1) += 2.5e-10;
  std::string notice;
  const covariance lambda = covariance::from_matrix(values, &notice);
  EXPECT_THAT(notice, AllOf(HasSubstr("2.5e-10"), HasSubstr("-1.4e-08"), HasSubstr("symmetrised")));
  EXPECT_EQ(lambda.rank(), 3);
  EXPECT_EQ(lambda.hardness(), infinity);
  EXPECT_EQ(lambda.values(), reference::transposed(lambda.values()));
  EXPECT_TRUE(close(lambda.values(), conjugated(random_rotation(4, rotation_key()), {2, 1, 0.5, 0}), 1e-9));
}

TEST(covariance, from_a_matrix_says_nothing_of_rounding) {
  std::string notice;
  covariance::from_matrix(random_semidefinite(5, 3), &notice);
  EXPECT_EQ(notice, "");
}

TEST(covariance, from_a_matrix_refuses_what_is_beyond_single_precision) {
  const auto message = [](const char* text) { return ThrowsMessage<specification_error>(HasSubstr(text)); };
  for (const double scale : {1e-160, 1.0, 1e160}) {
    const auto scaled_by = [&](const matrix& a) { return reference::combination(scale, a, 0, matrix(2, 2)); };
    EXPECT_THAT(
        [&] {
          covariance::from_matrix(scaled_by(matrix::diagonal(std::vector<double>{1, -1e-3})));
        },
        message("positive semi-definite"));
    matrix crooked = matrix::identity(2);
    crooked(0, 1) = 1e-2;
    EXPECT_THAT([&] { covariance::from_matrix(scaled_by(crooked)); }, message("not symmetric"));
  }
}

TEST(covariance, in_other_units_has_the_same_bits) {
  const covariance lambda(descending(5), random_rotation(5, rotation_key()));
  EXPECT_EQ(lambda.scale_exponent(), 2) << "4 ≤ 5 < 16";
  const covariance scaled = lambda.scaled(-600);
  EXPECT_EQ(scaled.scale_exponent(), -598);
  EXPECT_EQ(scaled.hardness(), lambda.hardness());
  EXPECT_EQ(scaled.scaled(600).values(), lambda.values());
  EXPECT_EQ(scaled.values(), times_power_of_two(lambda.values(), -600));
  EXPECT_EQ(covariance({0.2, 0.1}).scale_exponent(), -4) << "1/16 ≤ 0.2 < 1/4";
}

TEST(covariance, refuses_what_doubles_do_not_hold) {
  const auto message = [](const char* text) { return ThrowsMessage<specification_error>(HasSubstr(text)); };
  EXPECT_THAT([] { covariance({1e308, 1e308}); }, message("beyond what a double holds"));
  EXPECT_THAT([] { covariance({1e200, 1e-200}); }, message("differ by a factor"));
  EXPECT_EQ(covariance({8e307, 8e307}).hardness(), 2);
  EXPECT_EQ(covariance({5e-324, 5e-324, 0}).support_hardness(), 2);
}

TEST(covariance, from_a_matrix_does_not_depend_on_scale) {
  for (const double scale : {1e-100, 1e100}) {
    const matrix values = reference::combination(scale, random_semidefinite(5, 3), 0, matrix(5, 5));
    const covariance lambda = covariance::from_matrix(values);
    EXPECT_EQ(std::count(lambda.eigenvalues().begin(), lambda.eigenvalues().end(), 0.0), 2);
    EXPECT_TRUE(close(lambda.values(), values, 40 * epsilon * reference::frobenius_norm(values)));
  }
}

TEST(covariance, from_a_matrix_refuses_what_is_no_covariance) {
  const auto message = [](const char* text) { return ThrowsMessage<specification_error>(HasSubstr(text)); };
  matrix indefinite = matrix::identity(3);
  indefinite(0, 1) = indefinite(1, 0) = 2;  // eigenvalues −1, 1, 3
  EXPECT_THAT([&] { covariance::from_matrix(indefinite); }, message("positive semi-definite"));
  EXPECT_THAT([&] { covariance::from_matrix(indefinite); }, message("-1"));
  EXPECT_THAT([] { covariance::from_matrix(matrix(3, 3)); }, message("zero"));
  EXPECT_THAT([] { covariance::from_matrix(matrix(3, 2, 1)); }, message("(3, 2)"));
  EXPECT_THAT([] { covariance::from_matrix(matrix()); }, message("(0, 0)"));
  for (const double bad : {nan, infinity}) {
    EXPECT_THAT([&] { covariance::from_matrix(matrix(2, 2, bad)); }, message("not finite"));
  }
}

// ---- rotations ----

TEST(random_rotation, is_orthogonal_and_a_function_of_its_key) {
  for (const int d : sizes) {
    const matrix q = random_rotation(d, rotation_key());
    EXPECT_TRUE(close(reference::product(reference::transposed(q), q), matrix::identity(d), 8 * d * epsilon)) << d;
    EXPECT_EQ(q, random_rotation(d, rotation_key())) << d;
    EXPECT_TRUE(d == 1 || q != random_rotation(d, rotation_key(1))) << d;
  }
}

TEST(random_rotation, favours_no_direction) {
  constexpr int d = 4;
  support::sample_means means(d * d);
  for (int draw = 0; draw < 4000; ++draw) means.add(random_rotation(d, rotation_key(draw)).values());
  EXPECT_TRUE(within(4, means, matrix(d, d).values()));
}

}  // namespace
}  // namespace cotscale
