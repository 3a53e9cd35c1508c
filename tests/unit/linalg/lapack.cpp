#include "cotscale/linalg/lapack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/random.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "support/monte_carlo.hpp"
#include "unit/linalg/awkward.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Backward errors of orthogonal factorisations are a small multiple of size × ε × norm (LAPACK Users' Guide, chapter
// 4).
double rounding_of(const matrix& a) {
  return 8 * std::max(a.rows(), a.columns()) * epsilon * reference::frobenius_norm(a);
}

matrix symmetric(int d) {
  const matrix a = gaussian(d, d, "symmetric");
  return reference::combination(1, a, 1, reference::transposed(a));
}

testing::AssertionResult is_orthogonal(const matrix& q) {
  return close(reference::product(reference::transposed(q), q), matrix::identity(q.columns()), 8 * q.rows() * epsilon);
}

// ---- symmetric_eigen ----

TEST(symmetric_eigen, puts_the_matrix_together_again) {
  for (const int d : sizes) {
    const matrix a = symmetric(d);
    const eigen_decomposition e = symmetric_eigen(a);
    const matrix scaled = reference::product(e.vectors, matrix::diagonal(e.values));
    EXPECT_TRUE(close(reference::product(scaled, reference::transposed(e.vectors)), a, rounding_of(a))) << d;
    EXPECT_TRUE(is_orthogonal(e.vectors)) << d;
    EXPECT_TRUE(std::is_sorted(e.values.begin(), e.values.end())) << d;
  }
}

TEST(symmetric_eigen, knows_a_matrix_that_can_be_done_by_hand) {
  matrix a(2, 2, 1);
  a(0, 0) = a(1, 1) = 2;
  const eigen_decomposition e = symmetric_eigen(a);
  EXPECT_TRUE(close(e.values, std::vector<double>{1, 3}, rounding_of(a)));
  EXPECT_NEAR(e.vectors(0, 0), -e.vectors(1, 0), rounding_of(a)) << "(1, −1) belongs to 1";
  EXPECT_NEAR(e.vectors(0, 1), e.vectors(1, 1), rounding_of(a)) << "(1, 1) belongs to 3";
}

TEST(symmetric_eigen, handles_equal_eigenvalues) {
  const eigen_decomposition e = symmetric_eigen(matrix::identity(17));
  EXPECT_THAT(e.values, testing::Each(1));
  EXPECT_TRUE(is_orthogonal(e.vectors));
}

TEST(symmetric_eigen, reads_the_lower_triangle) {
  const matrix a = symmetric(5);
  matrix garbage_above = a;
  for (int i = 0; i < 5; ++i) {
    for (int j = i + 1; j < 5; ++j) garbage_above(i, j) = 1e6;
  }
  EXPECT_EQ(symmetric_eigen(garbage_above).values, symmetric_eigen(a).values);
}

TEST(symmetric_eigen, of_nothing_is_nothing) { EXPECT_TRUE(symmetric_eigen(matrix()).values.empty()); }

TEST(symmetric_eigenvalues, are_those_of_the_decomposition) {
  for (const int d : sizes) {
    const matrix a = symmetric(d);
    EXPECT_TRUE(close(symmetric_eigenvalues(a), symmetric_eigen(a).values, rounding_of(a))) << d;
  }
  EXPECT_TRUE(symmetric_eigenvalues(matrix()).empty());
}

// ---- spectral_radius ----

matrix two_by_two(double a, double b, double c, double d) {
  matrix out(2, 2);
  out(0, 0) = a;
  out(0, 1) = b;
  out(1, 0) = c;
  out(1, 1) = d;
  return out;
}

TEST(spectral_radius, knows_matrices_that_can_be_done_by_hand) {
  EXPECT_NEAR(spectral_radius(matrix::diagonal(std::vector<double>{1, -3, 2})), 3, 24 * epsilon);
  EXPECT_NEAR(spectral_radius(two_by_two(0, 1000, 0, 0)), 0, 1e-12) << "nilpotent, though its norm is large";
  EXPECT_NEAR(spectral_radius(two_by_two(0.6, -0.8, 0.8, 0.6)), 1, 16 * epsilon) << "a rotation: a complex pair";
  EXPECT_NEAR(spectral_radius(two_by_two(0.5, 1e3, 0, -0.9)), 0.9, 1e-12) << "triangular";
  EXPECT_NEAR(spectral_radius(two_by_two(0, 4, 1, 0)), 2, 16 * epsilon) << "±2, not symmetric";
  EXPECT_EQ(spectral_radius(matrix(1, 1, -0.25)), 0.25);
  EXPECT_EQ(spectral_radius(matrix()), 0);
}

TEST(spectral_radius, does_not_depend_on_the_basis) {
  for (const int d : sizes) {
    std::vector<double> values;
    for (int j = 1; j <= d; ++j) values.push_back(j % 2 == 0 ? -1.0 / j : 2.0 * j);
    const double largest = std::abs(*std::max_element(values.begin(), values.end()));
    const matrix basis = reference::combination(1, matrix::identity(d), 0.3 / d, gaussian(d, d, "basis"));
    const matrix a = reference::product(reference::product(basis, matrix::diagonal(values)), reference::inverse(basis));
    EXPECT_NEAR(spectral_radius(a) / largest, 1, 1e-10) << d;
  }
}

TEST(spectral_radius, of_what_is_not_finite_is_infinite) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(spectral_radius(two_by_two(1, 0, bad, 1)), std::numeric_limits<double>::infinity());
  }
}

// ---- singular values ----

TEST(singular_values, are_absolute_values_of_a_diagonal_in_descending_order) {
  EXPECT_TRUE(close(singular_values(matrix::diagonal(std::vector<double>{1, -3, 0, 2})),
                    std::vector<double>{3, 2, 1, 0}, 32 * epsilon * 3));
}

TEST(singular_values, are_roots_of_the_eigenvalues_of_the_gram_matrix) {
  for (const int rows : sizes) {
    for (const int columns : sizes) {
      const matrix a = gaussian(rows, columns, "a");
      const std::vector<double> s = singular_values(a);
      ASSERT_EQ(s.size(), static_cast<std::size_t>(std::min(rows, columns)));
      EXPECT_TRUE(std::is_sorted(s.rbegin(), s.rend()));
      std::vector<double> squares = symmetric_eigen(reference::gram(1, a)).values;
      std::reverse(squares.begin(), squares.end());
      squares.resize(s.size());
      std::transform(squares.begin(), squares.end(), s.begin(), squares.begin(),
                     [](double square, double value) { return square - value * value; });
      EXPECT_TRUE(close(squares, std::vector<double>(s.size()), rounding_of(a) * reference::frobenius_norm(a)));
    }
  }
}

TEST(right_singular_vectors, are_orthonormal_and_stretched_by_the_singular_values) {
  for (const int d : sizes) {
    if (d == 0) continue;
    const matrix a = gaussian(d, d, "a"), v = right_singular_vectors(a);
    EXPECT_TRUE(close(reference::product(transposed(v), v), matrix::identity(d), 16 * d * epsilon));
    const std::vector<double> s = singular_values(a);
    const matrix images = reference::product(a, v);
    for (int i = 0; i < d; ++i) {
      EXPECT_NEAR(reference::frobenius_norm(images.block(0, i, d, 1)), s[static_cast<std::size_t>(i)], rounding_of(a));
    }
  }
  EXPECT_THROW(right_singular_vectors(matrix(2, 3)), precondition_error);
}

// ---- lower_trapezoidal_factor ----

TEST(lower_trapezoidal_factor, has_the_gram_matrix_of_its_argument) {
  for (const int rows : sizes) {
    for (const int columns : sizes) {
      const int rank = (std::min(rows, columns) + 1) / 2;
      for (const matrix& a : {gaussian(rows, columns, "full rank"), of_rank(rank, rows, columns)}) {
        const matrix l = lower_trapezoidal_factor(a);
        ASSERT_EQ(l.rows(), rows);
        ASSERT_EQ(l.columns(), std::min(rows, columns));
        for (int i = 0; i < l.rows(); ++i) {
          for (int j = i + 1; j < l.columns(); ++j) EXPECT_EQ(l(i, j), 0);
        }
        EXPECT_TRUE(
            close(reference::gram(1, l), reference::gram(1, a), 2 * rounding_of(a) * reference::frobenius_norm(a)))
            << "(" << rows << ", " << columns << ")";
      }
    }
  }
  EXPECT_EQ(lower_trapezoidal_factor(matrix(3, 0)), matrix(3, 0));
}

// ---- orthogonal_factor ----

TEST(orthogonal_factor, leaves_an_upper_triangle_with_a_positive_diagonal) {
  for (const int d : sizes) {
    const matrix a = gaussian(d, d, "a");
    const matrix q = orthogonal_factor(a);
    EXPECT_TRUE(is_orthogonal(q)) << d;
    const matrix r = reference::product(reference::transposed(q), a);
    for (int i = 0; i < d; ++i) {
      EXPECT_GT(r(i, i), 0) << d;
      for (int j = 0; j < i; ++j) EXPECT_NEAR(r(i, j), 0, rounding_of(a)) << d;
    }
  }
}

TEST(orthogonal_factor, of_one_number_is_its_sign) {
  EXPECT_EQ(orthogonal_factor(matrix(1, 1, -0.3)), matrix(1, 1, -1.0));
  EXPECT_EQ(orthogonal_factor(matrix(1, 1, 0.3)), matrix(1, 1, 1.0));
}

// Haar: q_ij has mean 0 and variance 1/d. Without the sign convention the means of the diagonal are not 0.
TEST(orthogonal_factor, of_gaussian_matrices_favours_no_direction) {
  constexpr int d = 3;
  support::sample_means means(d * d);
  support::sample_means squares(d * d);
  for (std::uint64_t draw = 0; draw < 5000; ++draw) {
    matrix a(d, d);
    fill_normal(key_builder("haar").key(), draw, a.values());
    matrix q = orthogonal_factor(a);
    means.add(q.values());
    for (double& value : q.values()) value *= value;
    squares.add(q.values());
  }
  EXPECT_TRUE(within(4, means, matrix(d, d).values()));
  EXPECT_TRUE(within(4, squares, matrix(d, d, 1.0 / d).values()));
}

// ---- errors ----

TEST(factorisations, refuse_what_is_not_finite) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    matrix a = symmetric(4);
    a(2, 1) = a(1, 2) = bad;
    EXPECT_THAT([&] { symmetric_eigen(a); }, ThrowsMessage<numerical_error>(HasSubstr("(4, 4)")));
    EXPECT_THAT([&] { singular_values(a); }, ThrowsMessage<numerical_error>(HasSubstr("not finite")));
    EXPECT_THROW(pseudo_inverse(a, 1e-12), numerical_error);
    EXPECT_THROW(orthogonal_factor(a), numerical_error);
    EXPECT_THROW(symmetric_eigenvalues(a), numerical_error);
    EXPECT_THROW(symmetric_pseudo_inverse(a, 1e-12), numerical_error);
    EXPECT_THROW(lower_trapezoidal_factor(a), numerical_error);
  }
}

TEST(factorisations, say_which_shape_is_not_square) {
  EXPECT_THAT([] { symmetric_eigen(matrix(2, 3)); }, ThrowsMessage<precondition_error>(HasSubstr("(2, 3)")));
  EXPECT_THAT([] { orthogonal_factor(matrix(3, 2)); }, ThrowsMessage<precondition_error>(HasSubstr("(3, 2)")));
  EXPECT_THAT([] { symmetric_eigenvalues(matrix(2, 3)); }, ThrowsMessage<precondition_error>(HasSubstr("(2, 3)")));
  EXPECT_THAT([] { spectral_radius(matrix(3, 2)); }, ThrowsMessage<precondition_error>(HasSubstr("(3, 2)")));
}

}  // namespace
}  // namespace cotscale
