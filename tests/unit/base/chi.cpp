// Candidates of chi numbers, at the ends of what they are given.
#include "../src/base/chi.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace cotscale {
namespace {

TEST(chi_candidates, are_finite_and_accepted_where_they_should_be) {
  const std::vector<double> degrees{2, 3, 10, 1e3, 1e6, 1e9};
  const std::vector<double> normals{-8.6, -3, -1, -1e-9, 0, 1e-300, 1e-9, 1, 3, 8.6};
  const std::vector<double> uniforms{0x1p-53, 1e-9, 0.1, 0.5, 0.9, 0.999, 1 - 0x1p-53};
  for (const double nu : degrees) {
    for (const double x : normals) {
      for (const double u : uniforms) {
        std::array<double, detail::chi_lanes> all_nu, all_x, all_u, chi{};
        std::array<std::int64_t, detail::chi_lanes> accepted{};
        all_nu.fill(nu), all_x.fill(x), all_u.fill(u);
        detail::chi_candidates(detail::chi_lanes, all_nu.data(), all_x.data(), all_u.data(), chi.data(),
                               accepted.data());
        const long double shape = nu / 2.0L - 1 / 3.0L, root = 1 + x / std::sqrt(9 * shape);
        // ln v = 3 ln(1 + z) and 1 − v without their difference, z = x/√(9a)
        const long double z = x / std::sqrt(9 * shape);
        const long double bound =
            root > 0 ? x * x / 2.0L + shape * (3 * std::log1p(z) - z * (3 + z * (3 + z))) : -INFINITY;
        const long double gap = bound - std::log(static_cast<long double>(u));
        for (std::size_t i = 0; i < chi.size(); ++i) {
          if (std::abs(gap) > 1e-6) {
            EXPECT_EQ(accepted[i] != 0, gap > 0) << nu << ", " << x << ", " << u;
          }
          if (root <= 0) continue;
          const auto expected = static_cast<double>(std::sqrt(2 * shape * root * root * root));
          EXPECT_NEAR(chi[i], expected, 1e-13 * expected) << nu << ", " << x;
        }
      }
    }
  }
}

}  // namespace
}  // namespace cotscale
