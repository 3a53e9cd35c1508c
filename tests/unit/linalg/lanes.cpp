#include "cotscale/linalg/lanes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "unit/linalg/trapezoids.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

matrix gram_of(const matrix& l, double scale) {
  return reference::combination(scale, reference::product(l, reference::transposed(l)), 0, matrix(l.rows(), l.rows()));
}

// ---- products with one matrix ----

TEST(multiply_lanes, is_a_product_in_each_lane) {
  for (const int rows : row_counts) {
    for (const int columns : row_counts) {
      const matrix a = gaussian(rows, columns, "a");
      const matrix x = gaussian(columns, lane_count, "x");
      const double tolerance = 4 * columns * epsilon * reference::largest(a) * reference::largest(x);
      matrix y(3, 2, 7.0);  // of another shape, and not zero
      multiply_lanes(a, x, y);
      EXPECT_TRUE(close(y, reference::product(a, x), tolerance)) << rows << " × " << columns;
      matrix sum = gaussian(rows, lane_count, "y");
      const matrix expected = reference::combination(1, sum, -0.7, reference::product(a, x));
      multiply_add_lanes(-0.7, a, x, sum);
      EXPECT_TRUE(close(sum, expected, tolerance + 4 * epsilon * reference::largest(expected)))
          << rows << " × " << columns;
    }
  }
}

// ---- trapezoids ----

TEST(trapezoid_lanes, has_its_rows_one_after_the_other) {
  for (const int d : row_counts) {
    for (const int r : ranks(d)) {
      const trapezoid_lanes l{.rows = d, .columns = r, .packed = {}};
      int next = 0;
      for (int i = 0; i < d; ++i) {
        EXPECT_EQ(l.row(i), static_cast<std::size_t>(next)) << "(" << d << ", " << r << "), row " << i;
        EXPECT_EQ(l.row_length(i), std::min(i + 1, r));
        next += std::min(i + 1, r);
      }
      EXPECT_EQ(trapezoid_size(d, r), next);
      EXPECT_EQ(l.row(d), static_cast<std::size_t>(next));
    }
  }
}

TEST(gram_multiply, is_a_product_with_the_gram_matrix_in_each_lane) {
  for (const int d : row_counts) {
    for (const int r : ranks(d)) {
      const trapezoid_lanes l = random_trapezoid(d, r, "l");
      const matrix x = gaussian(d, lane_count, "x");
      matrix scratch(2, 3, 7.0), y(1, 1, 7.0), in_place = x;
      gram_multiply(0.3, l, x, scratch, y);
      gram_multiply(0.3, l, in_place, scratch, in_place);
      EXPECT_EQ(in_place, y) << "x and y may be the same";
      for (int lane = 0; lane < lane_count; ++lane) {
        const matrix s = gram_of(dense(l, lane), 0.3);
        const matrix expected = reference::product(s, column(x, lane));
        const double size = reference::frobenius_norm(s) * reference::frobenius_norm(column(x, lane));
        EXPECT_TRUE(close(column(y, lane), expected, 8 * d * epsilon * size)) << "(" << d << ", " << r << ")";
      }
    }
  }
}

TEST(gram_of_lane, and_gram_lanes_are_the_gram_matrix) {
  for (const int d : row_counts) {
    for (const int r : ranks(d)) {
      const trapezoid_lanes l = random_trapezoid(d, r, "l");
      trapezoid_lanes all{.rows = 1, .columns = 1, .packed = matrix(1, 1, 7.0)};
      gram_lanes(1.5, l, all);
      ASSERT_EQ(all.rows, d);
      ASSERT_EQ(all.columns, d);
      for (int lane = 0; lane < lane_count; ++lane) {
        const matrix expected = gram_of(dense(l, lane), 1.5);
        const double tolerance = 4 * r * epsilon * reference::frobenius_norm(expected);
        const matrix one = gram_of_lane(1.5, l, lane);
        EXPECT_TRUE(close(one, expected, tolerance)) << "(" << d << ", " << r << ")";
        EXPECT_EQ(asymmetry(one), 0);
        matrix lower = expected;
        for (int i = 0; i < d; ++i) std::fill_n(&lower(i, 0) + i + 1, d - i - 1, 0.0);
        EXPECT_TRUE(close(dense(all, lane), lower, tolerance)) << "(" << d << ", " << r << ")";
      }
    }
  }
}

TEST(solve_shifted, solves_with_a_shifted_gram_matrix_of_any_rank) {
  for (const int d : row_counts) {
    for (const int r : ranks(d)) {
      trapezoid_lanes s, factor;
      gram_lanes(1.0 / r, random_trapezoid(d, r, "l"), s);
      for (const double shift : {1e-6, 0.5, 100.0}) {
        const matrix x = gaussian(d, lane_count, "x");
        matrix solution = x;
        solve_shifted(s, shift, factor, solution);
        for (int lane = 0; lane < lane_count; ++lane) {
          matrix shifted = dense(s, lane);
          for (int i = 0; i < d; ++i) {
            for (int j = i + 1; j < d; ++j) shifted(i, j) = shifted(j, i);
            shifted(i, i) += shift;
          }
          // backward stable: (S + shift·I) y = x up to the rounding of its terms
          const matrix y = column(solution, lane);
          const double size = reference::frobenius_norm(shifted) * reference::frobenius_norm(y);
          EXPECT_TRUE(close(reference::product(shifted, y), column(x, lane), 8 * d * epsilon * size))
              << "(" << d << ", " << r << "), shift " << shift;
          const matrix expected = reference::product(reference::inverse(shifted), column(x, lane));
          EXPECT_TRUE(shift < 0.1 || close(y, expected, 1e-12 * reference::frobenius_norm(expected)));
        }
      }
    }
  }
}

// L Lᵀ has eigenvalues from 1e−16 to 1 in a random basis: its own values have lost the shift.
TEST(solve_shifted_factor, resolves_shifts_that_the_gram_matrix_has_lost) {
  constexpr int d = 5;
  const std::array<double, d> sigma{1e-8, 1e-6, 1e-3, 0.1, 1};
  const matrix basis = orthogonal_factor(gaussian(d, d, "basis"));
  const matrix root = reference::product(basis, matrix::diagonal(sigma));
  const matrix dense_l = lower_trapezoidal_factor(root);
  trapezoid_lanes l = random_trapezoid(d, d, "l"), factor;
  for (int i = 0; i < d; ++i) {
    for (int j = 0; j <= i; ++j) std::fill_n(&l.packed(static_cast<int>(l.row(i)) + j, 0), lane_count, dense_l(i, j));
  }
  for (const double shift : {1e-18, 1e-14, 1e-3}) {
    const matrix x = gaussian(d, lane_count, "x");
    matrix solution = x;
    solve_shifted_factor(l, shift, factor, solution);
    std::array<double, d> inverse{};
    for (std::size_t j = 0; j < sigma.size(); ++j) inverse[j] = 1 / (sigma[j] * sigma[j] + shift);
    const matrix along = reference::product(reference::transposed(basis), x);
    const matrix expected = reference::product(basis, reference::product(matrix::diagonal(inverse), along));
    const double error = 64 * d * epsilon / std::sqrt(shift);  // relative
    EXPECT_TRUE(close(solution, expected, error * reference::frobenius_norm(expected))) << shift;
  }
}

TEST(solve_shifted_factor, is_solve_shifted_where_that_is_right) {
  for (const int d : row_counts) {
    for (const int r : ranks(d)) {
      const trapezoid_lanes l = random_trapezoid(d, r, "l");
      trapezoid_lanes s, factor;
      gram_lanes(1, l, s);
      matrix expected = gaussian(d, lane_count, "x");
      matrix found = expected;
      solve_shifted(s, 0.3, factor, expected);
      solve_shifted_factor(l, 0.3, factor, found);
      EXPECT_TRUE(close(found, expected, 1e-11)) << "(" << d << ", " << r << ")";
    }
  }
}

// ---- errors ----

TEST(lanes, say_which_shapes_do_not_fit) {
  matrix x(3, lane_count), narrow(3, 7), y, scratch;
  trapezoid_lanes l = random_trapezoid(4, 2, "l"), factor;
  const auto refuses = [](const char* who, const char* shape) {
    return ThrowsMessage<precondition_error>(AllOf(HasSubstr(who), HasSubstr(shape)));
  };
  EXPECT_THAT([&] { multiply_lanes(matrix(2, 4), x, y); }, refuses("multiply_lanes", "(3, 8)"));
  EXPECT_THAT([&] { multiply_lanes(matrix(3, 3), narrow, y); }, refuses("multiply_lanes", "(3, 7)"));
  EXPECT_THAT([&] { multiply_add_lanes(1, matrix(2, 3), x, x); }, refuses("multiply_add_lanes", "(2, 8)"));
  EXPECT_THAT([&] { gram_multiply(1, l, x, scratch, y); }, refuses("gram_multiply", "(3, 8)"));
  EXPECT_THAT([&] { solve_shifted(l, 1, factor, x); }, refuses("solve_shifted", "(3, 8)"));
  EXPECT_THAT([&] { project_out(l, 2, x); }, refuses("project_out", "(3, 8)"));
  EXPECT_THAT([&] { gram_of_lane(1, l, 8); }, refuses("gram_of_lane", "lane 8"));
}

}  // namespace
}  // namespace cotscale
