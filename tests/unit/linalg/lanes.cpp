#include "cotscale/linalg/lanes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/lapack.hpp"
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

// Around the numbers of rows that are worked on together: 8, 4 and 1.
constexpr std::array sizes{1, 2, 3, 5, 7, 8, 9, 17};

std::vector<int> ranks(int d) {
  std::vector<int> out;
  for (int r = 1; r <= d; ++r) out.push_back(r);
  return out;
}

trapezoid_lanes random_trapezoid(int d, int r, std::string_view name) {
  return {.rows = d, .columns = r, .packed = gaussian(trapezoid_size(d, r), lane_count, name)};
}

// One lane in the shape that it stands for, by counting.
matrix dense(const trapezoid_lanes& l, int lane) {
  matrix out(l.rows, l.columns);
  int next = 0;
  for (int i = 0; i < l.rows; ++i) {
    for (int j = 0; j < std::min(i + 1, l.columns); ++j) out(i, j) = l.packed(next++, lane);
  }
  EXPECT_EQ(next, l.packed.rows());
  return out;
}

matrix column(const matrix& x, int lane) { return x.block(0, lane, x.rows(), 1); }

matrix gram_of(const matrix& l, double scale) {
  return reference::combination(scale, reference::product(l, reference::transposed(l)), 0, matrix(l.rows(), l.rows()));
}

// ---- products with one matrix ----

TEST(multiply_lanes, is_a_product_in_each_lane) {
  for (const int rows : sizes) {
    for (const int columns : sizes) {
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
  for (const int d : sizes) {
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
  for (const int d : sizes) {
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
  for (const int d : sizes) {
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
  for (const int d : sizes) {
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
  for (const int d : sizes) {
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

// ---- projections ----

matrix projected_out(const matrix& l, const matrix& x) {
  const matrix projector = reference::product(l, pseudo_inverse(l, 1e-9));
  return reference::combination(1, x, -1, reference::product(projector, x));
}

void expect_projection(const trapezoid_lanes& l, int rank, const char* what) {
  const matrix x = gaussian(l.rows, lane_count, "x");
  matrix rest = x;
  project_out(l, rank, rest);
  for (int lane = 0; lane < lane_count; ++lane) {
    EXPECT_TRUE(close(column(rest, lane), projected_out(dense(l, lane), column(x, lane)), 1e-8))
        << what << ", (" << l.rows << ", " << l.columns << "), lane " << lane;
  }
}

TEST(project_out, leaves_what_the_columns_do_not_span) {
  for (const int d : sizes) {
    for (const int r : ranks(d)) expect_projection(random_trapezoid(d, r, "l"), r, "full rank");
  }
}

TEST(project_out, leaves_nothing_of_what_is_spanned) {
  for (const int d : sizes) {
    matrix rest = gaussian(d, lane_count, "x");
    project_out(random_trapezoid(d, d, "l"), d, rest);
    EXPECT_LT(reference::largest(rest), 1e-10) << d;
  }
}

// One entry of a random square L is as small as it likes; columns that are independent are so at any size.
TEST(project_out, leaves_nothing_however_weak_the_columns_are) {
  for (const double weak : {1e-9, 1e-12, 1e-15, 1e-30, 1e-150}) {
    for (const int place : {0, 3, 6}) {
      trapezoid_lanes l = random_trapezoid(7, 7, "l");
      for (int lane = 0; lane < lane_count; ++lane) {
        l.packed(static_cast<int>(l.row(place)) + place, lane) *= weak;
        if (place > 0) l.packed(static_cast<int>(l.row(place)), lane) *= weak;
      }
      matrix rest = gaussian(7, lane_count, "x");
      project_out(l, 7, rest);
      EXPECT_LT(reference::largest(rest), 1e-13) << weak << " at " << place;
    }
  }
}

TEST(project_out, counts_dependent_columns_once) {
  trapezoid_lanes l = random_trapezoid(9, 4, "l");
  for (int i = 0; i < 9; ++i) {
    for (int lane = 0; lane < lane_count; ++lane) {
      double* row = &l.packed(static_cast<int>(l.row(i)), lane);
      if (i >= 2) row[2 * lane_count] = 0;                       // nothing in it
      if (i >= 1) row[lane_count] = i == 1 ? 0 : row[0];         // the first, from its third row on …
      if (i < 2) row[0] = 0;                                     // … where it begins, too
      if (i >= 3) row[3 * lane_count] *= lane % 2 == 0 ? 1 : 0;  // in some lanes only
    }
  }
  expect_projection(l, 2, "dependent columns");
}

// What is left of a singular covariance's factor by rounding is no direction.
TEST(project_out, takes_columns_of_rounding_for_nothing) {
  trapezoid_lanes l = random_trapezoid(7, 5, "l");
  for (int i = 0; i < 7; ++i) {
    for (int j = 2; j < l.row_length(i); ++j) {
      for (int lane = 0; lane < lane_count; ++lane) l.packed(static_cast<int>(l.row(i)) + j, lane) *= 1e-17;
    }
  }
  expect_projection(l, 2, "columns of rounding");
}

TEST(project_out, does_not_depend_on_scale) {
  trapezoid_lanes l = random_trapezoid(8, 5, "l");
  matrix expected = gaussian(8, lane_count, "x");
  project_out(l, 5, expected);
  for (const double scale : {0x1p-100, 0x1p100}) {
    trapezoid_lanes scaled = l;
    for (double& value : scaled.packed.values()) value *= scale;
    matrix rest = gaussian(8, lane_count, "x");
    project_out(scaled, 5, rest);
    EXPECT_TRUE(close(rest, expected, 1e-12)) << scale;
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
