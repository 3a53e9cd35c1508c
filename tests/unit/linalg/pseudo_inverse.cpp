#include "cotscale/linalg/lapack.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reference/matrix.hpp"
#include "support/matrices.hpp"
#include "unit/linalg/awkward.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;
using support::gaussian;

// The four conditions of Penrose (1955), which only a⁺ meets.
void expect_moore_penrose(const matrix& a, const std::string& what) {
  const matrix p = pseudo_inverse(a, 1e-10);
  const double condition = reference::frobenius_norm(a) * reference::frobenius_norm(p);
  const double projector_tolerance = 8 * std::max(a.rows(), a.columns()) * epsilon * condition;
  const matrix ap = reference::product(a, p);
  const matrix pa = reference::product(p, a);
  EXPECT_TRUE(close(reference::product(ap, a), a, projector_tolerance * reference::frobenius_norm(a))) << what;
  EXPECT_TRUE(close(reference::product(pa, p), p, projector_tolerance * reference::frobenius_norm(p))) << what;
  EXPECT_TRUE(close(reference::transposed(ap), ap, projector_tolerance)) << what;
  EXPECT_TRUE(close(reference::transposed(pa), pa, projector_tolerance)) << what;
}

TEST(pseudo_inverse, meets_the_conditions_of_moore_and_penrose) {
  for (const int rows : sizes) {
    for (const int columns : sizes) {
      expect_moore_penrose(gaussian(rows, columns, "full rank"), fmt::format("({}, {})", rows, columns));
      const int rank = (std::min(rows, columns) + 1) / 2;
      expect_moore_penrose(of_rank(rank, rows, columns), fmt::format("({}, {}) of rank {}", rows, columns, rank));
    }
  }
}

TEST(pseudo_inverse, of_a_regular_matrix_is_the_inverse) {
  for (const int d : {1, 2, 3, 17}) {
    const matrix a = gaussian(d, d, "a");
    const matrix inverse = reference::inverse(a);
    const double condition = reference::frobenius_norm(a) * reference::frobenius_norm(inverse);
    EXPECT_TRUE(
        close(pseudo_inverse(a, 1e-12), inverse, 8 * d * epsilon * condition * reference::frobenius_norm(inverse)));
  }
}

TEST(pseudo_inverse, of_zero_is_zero) {
  EXPECT_EQ(pseudo_inverse(matrix(3, 2), 1e-12), matrix(2, 3));
  EXPECT_EQ(pseudo_inverse(matrix(3, 0), 1e-12), matrix(0, 3));
}

TEST(pseudo_inverse, drops_singular_values_below_the_tolerance) {
  const matrix a = matrix::diagonal(std::vector<double>{100, 1e-3});
  EXPECT_TRUE(close(pseudo_inverse(a, 0.9e-5), matrix::diagonal(std::vector<double>{0.01, 1e3}), 1e-12));
  EXPECT_TRUE(close(pseudo_inverse(a, 1.1e-5), matrix::diagonal(std::vector<double>{0.01, 0}), 1e-12));
}

// ---- symmetric_pseudo_inverse ----

TEST(symmetric_pseudo_inverse, is_the_pseudo_inverse) {
  for (const int d : sizes) {
    for (const int rank : {(d + 1) / 2, d}) {
      const matrix a = reference::gram(1, gaussian(d, rank + (rank == d ? d : 0), "semidefinite"));
      const matrix expected = pseudo_inverse(a, 1e-10);
      const double condition = reference::frobenius_norm(a) * reference::frobenius_norm(expected);
      EXPECT_TRUE(close(symmetric_pseudo_inverse(a, 1e-10), expected,
                        8 * d * epsilon * condition * reference::frobenius_norm(expected)))
          << d << ", rank " << rank;
    }
  }
}

TEST(symmetric_pseudo_inverse, drops_eigenvalues_below_the_tolerance) {
  const matrix a = matrix::diagonal(std::vector<double>{1e-3, 100});
  EXPECT_TRUE(close(symmetric_pseudo_inverse(a, 0.9e-5), matrix::diagonal(std::vector<double>{1e3, 0.01}), 1e-12));
  EXPECT_TRUE(close(symmetric_pseudo_inverse(a, 1.1e-5), matrix::diagonal(std::vector<double>{0, 0.01}), 1e-12));
  EXPECT_EQ(symmetric_pseudo_inverse(matrix(3, 3), 1e-12), matrix(3, 3));
}

TEST(equilibrated_pseudo_inverse, keeps_what_is_only_badly_scaled) {
  const matrix graded = matrix::diagonal(std::vector<double>{1, 1e-30, 0});
  const matrix found = equilibrated_pseudo_inverse(graded, 1e-14);
  EXPECT_DOUBLE_EQ(found(0, 0), 1);
  EXPECT_DOUBLE_EQ(found(1, 1), 1e30);
  EXPECT_EQ(found(2, 2), 0);
  EXPECT_EQ(equilibrated_pseudo_inverse(matrix(3, 3), 1e-12), matrix(3, 3));
  for (const int d : {2, 3, 9}) {
    const matrix singular = reference::gram(1, gaussian(d, d - 1, "semidefinite"));
    EXPECT_EQ(equilibrated_pseudo_inverse(singular, 1e-12), symmetric_pseudo_inverse(singular, 1e-12)) << d;
  }
}

}  // namespace
}  // namespace cotscale
