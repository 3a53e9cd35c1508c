// What is left of vectors in lanes beside the columns of trapezoids.
#include "cotscale/linalg/lanes.hpp"

#include <gtest/gtest.h>

#include "cotscale/linalg/lapack.hpp"
#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "unit/linalg/trapezoids.hpp"

namespace cotscale {
namespace {

using support::close;
using support::gaussian;

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
  for (const int d : row_counts) {
    for (const int r : ranks(d)) {
      // (Of square L nothing is left; and the reference takes what is weak by chance for nothing.)
      if (r < d) expect_projection(random_trapezoid(d, r, "l"), r, "full rank");
    }
  }
}

TEST(project_out, leaves_nothing_of_what_is_spanned) {
  for (const int d : row_counts) {
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

}  // namespace
}  // namespace cotscale
