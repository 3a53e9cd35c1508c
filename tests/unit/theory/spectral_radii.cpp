// Spectral radii of a step: of the limit of long prompts, and of large sample covariances.
#include "cotscale/theory/prediction.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/task/wishart.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "support/matrices.hpp"
#include "unit/theory/predicted_chains.hpp"

namespace cotscale {
namespace {

using support::close;
using support::epsilon;

TEST(limit_spectral_radius, can_be_done_by_hand) {
  const covariance sigma({1, 2, 3});
  EXPECT_NEAR(limit_spectral_radius(scaled_identity(3, 0.5), sigma), 0.5, 8 * epsilon) << "1 − 1/2, 0, 1 − 3/2";
  EXPECT_NEAR(limit_spectral_radius(scaled_identity(3, 0.9), sigma), 1.7, 16 * epsilon) << "1 − 2.7";
  EXPECT_NEAR(limit_spectral_radius(scaled_identity(3, 0), sigma), 1, 8 * epsilon);
  // I − AΣ = [1 −2a; 2a 1] for A = [0 2; −2 0] · a and Σ = I: eigenvalues 1 ± 2ai.
  matrix turn(2, 2);
  turn(0, 1) = 0.5;
  turn(1, 0) = -0.5;
  EXPECT_NEAR(limit_spectral_radius(turn, covariance({1, 1})), std::sqrt(1.25), 16 * epsilon);
}

TEST(limit_spectral_radius, says_whether_the_limit_converges) {
  const covariance lambda = rotated({4, 1, 0.2}, "lambda");
  const covariance sigma = rotated({1, 1.5, 2}, "sigma");
  for (const int n : {1, 5, 40, 1000}) {
    const matrix a = trained_preconditioner(lambda, n);
    const double radius = limit_spectral_radius(a, sigma);
    ASSERT_GT(std::abs(radius - 1), 0.02) << "too close to say";
    const std::vector<double> errors = limit_errors(a, sigma, 400);
    EXPECT_EQ(errors[400] < errors[200], radius < 1) << "n = " << n << ", radius " << radius;
  }
}

TEST(marchenko_pastur_radius, can_be_done_by_hand) {
  EXPECT_NEAR(marchenko_pastur_radius(9, 10, 0), 1 - 1 / 2.0, 4 * epsilon) << "γ = 2, one eigenvalue 1";
  EXPECT_NEAR(marchenko_pastur_radius(9, 10, 0.25), 1 - 0.25 / 2, 4 * epsilon) << "γ = 2, edges 1/4 and 9/4";
  EXPECT_NEAR(marchenko_pastur_radius(9, 20, 1), 4 / 1.5 - 1, 8 * epsilon) << "γ = 3/2, edges 0 and 4";
  EXPECT_NEAR(marchenko_pastur_radius(9, 10, 4), 9 / 2.0 - 1, 8 * epsilon) << "γ = 2, edges 1 and 9, and 0";
  EXPECT_NEAR(marchenko_pastur_radius(99, 1, 4), 1, 4 * epsilon) << "γ = 101: m < d leaves directions unseen";
  EXPECT_THROW(marchenko_pastur_radius(0, 1, 1), precondition_error);
  EXPECT_THROW(marchenko_pastur_radius(1, 1, -1), precondition_error);
}

TEST(marchenko_pastur_radius, is_that_of_large_sample_covariances) {
  const blas_threads one(1);
  constexpr int d = 200;
  for (const auto& [m, n] : {std::pair(400, 100), std::pair(400, 2000), std::pair(100, 400)}) {
    const double gamma = 1 + (d + 1.0) / n;
    double mean = 0;
    for (const matrix& s : sample_covariances(isotropic(d), m, 4, some_key)) {
      const std::vector<double> values = symmetric_eigenvalues(s);
      mean += std::max(std::abs(1 - values.front() / gamma), std::abs(1 - values.back() / gamma)) / 4;
    }
    // The largest eigenvalue is a few per cent below its limit (Tracy and Widom).
    const double limit = marchenko_pastur_radius(d, n, static_cast<double>(d) / m);
    EXPECT_LT(mean / limit, 1.02) << "m " << m << ", n " << n;
    EXPECT_GT(mean / limit, 0.92) << "m " << m << ", n " << n;
  }
}

}  // namespace
}  // namespace cotscale
