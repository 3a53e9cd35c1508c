#include "cotscale/linalg/lane_matrices.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"

namespace cotscale {
namespace {

using support::gaussian;

trapezoid_lanes random_trapezoid(int d, int r) {
  trapezoid_lanes l{.rows = d, .columns = r, .packed = {}};
  l.packed = gaussian(trapezoid_size(d, r), lane_count, "trapezoid");
  return l;
}

matrix lane_of(const square_lanes& a, int lane) {
  matrix out(a.size, a.size);
  for (int i = 0; i < a.size; ++i) {
    for (int j = 0; j < a.size; ++j) out(i, j) = a.packed(i * a.size + j, lane);
  }
  return out;
}

void expect_near(const matrix& found, const matrix& expected, double tolerance) {
  ASSERT_EQ(found.rows(), expected.rows());
  ASSERT_EQ(found.columns(), expected.columns());
  for (int i = 0; i < found.rows(); ++i) {
    for (int j = 0; j < found.columns(); ++j) EXPECT_NEAR(found(i, j), expected(i, j), tolerance) << i << ", " << j;
  }
}

matrix dense_factor(const trapezoid_lanes& l, int lane) {
  matrix out(l.rows, l.columns);
  for (int i = 0; i < l.rows; ++i) {
    for (int j = 0; j < l.row_length(i); ++j) out(i, j) = l.packed(static_cast<int>(l.row(i)) + j, lane);
  }
  return out;
}

TEST(lane_matrices, agree_with_one_matrix_at_a_time_at_every_size) {
  for (const int d : {1, 2, 3, 4, 5, 7, 8, 10, 13, 17}) {
    for (const int r : {1, d / 2, d - 1, d}) {
      if (r < 1) continue;
      const trapezoid_lanes l = random_trapezoid(d, r);
      const matrix g = gaussian(d, d, "a");
      const matrix a = reference::product(g, transposed(g));
      square_lanes step, square, symmetric;
      step_lanes(0.3, a, l, step);
      multiply_lanes(step, step, square);
      congruence_lanes(0.3, a, l, symmetric);
      const lane_values norms = squared_norms(square);
      for (int lane = 0; lane < lane_count; ++lane) {
        const matrix s = gram_of_lane(0.3, l, lane);
        const matrix b = reference::combination(1, matrix::identity(d), -1, reference::product(a, s));
        const double size = 1 + reference::squared_norm(b);
        expect_near(lane_of(step, lane), b, 1e-13 * size);
        expect_near(lane_of(square, lane), reference::product(b, b), 1e-13 * size);
        EXPECT_NEAR(norms[static_cast<std::size_t>(lane)] / reference::squared_norm(reference::product(b, b)), 1,
                    1e-11);
        const matrix f = dense_factor(l, lane);
        const matrix c = reference::product(transposed(f), reference::product(a, f));
        expect_near(lane_of(symmetric, lane), reference::combination(0.3, c, 0, c), 1e-13 * size);
      }
    }
  }
}

TEST(largest_eigenvalues, come_from_below_and_close) {
  for (const int d : {1, 2, 5, 12}) {
    square_lanes s;
    congruence_lanes(1, matrix::identity(d), random_trapezoid(d, d), s);
    const lane_values found = largest_eigenvalues(s, gaussian(d, lane_count, "start"));
    for (int lane = 0; lane < lane_count; ++lane) {
      const double exact = symmetric_eigenvalues(lane_of(s, lane)).back();
      EXPECT_LE(found[static_cast<std::size_t>(lane)] / exact, 1 + 1e-12) << d;
      EXPECT_GE(found[static_cast<std::size_t>(lane)] / exact, 0.9) << d;
    }
  }
  square_lanes none{.size = 2, .packed = matrix(4, lane_count)};
  EXPECT_EQ(largest_eigenvalues(none, gaussian(2, lane_count, "start"))[3], 0);
}

TEST(exceeds, says_on_which_side_of_the_bound_the_largest_eigenvalue_is) {
  for (const int d : {1, 2, 5, 12}) {
    square_lanes s;
    congruence_lanes(1, matrix::identity(d), random_trapezoid(d, d), s);
    for (int lane = 0; lane < lane_count; ++lane) {
      const double exact = symmetric_eigenvalues(lane_of(s, lane)).back();
      EXPECT_TRUE(exceeds(s, exact * (1 - 1e-9))[static_cast<std::size_t>(lane)]) << d;
      EXPECT_FALSE(exceeds(s, exact * (1 + 1e-9))[static_cast<std::size_t>(lane)]) << d;
    }
    for (const double wild : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
      square_lanes broken = s;
      broken.packed(0, 5) = wild;
      EXPECT_TRUE(exceeds(broken, 1e9)[5]);
      EXPECT_FALSE(exceeds(broken, 1e9)[4]);
    }
  }
}

}  // namespace
}  // namespace cotscale
