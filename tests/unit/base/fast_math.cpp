// The files of base that are compiled with -ffast-math, at the ends of what they are given.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "../src/base/box_muller.hpp"
#include "../src/base/chi.hpp"

namespace cotscale {
namespace {

// Words whose upper 53 bits are `number`.
std::uint64_t word(std::uint64_t number) { return number << 11; }

TEST(box_muller, is_right_from_the_smallest_word_to_the_largest) {
  constexpr std::uint64_t most = (std::uint64_t{1} << 53) - 1;
  std::vector<std::uint64_t> numbers{most / 2, most / 3, most / 4, most / 8};
  for (std::uint64_t i = 0; i < 60; ++i) {
    numbers.push_back(i);
    numbers.push_back(most - i);
    numbers.push_back(std::uint64_t{1} << (i % 53));
    numbers.push_back(most - (std::uint64_t{1} << (i % 53)));
  }
  for (const std::uint64_t first : numbers) {
    alignas(64) std::array<std::uint64_t, normal_block> words{};
    alignas(64) std::array<double, normal_block> normals{};
    for (std::size_t i = 0; i < normal_block / 2; ++i) {
      words[i] = word(first);
      words[normal_block / 2 + i] = word(numbers[i % numbers.size()]);
    }
    detail::box_muller(words, normals);
    const long double u = (static_cast<long double>(first) + 1) * 0x1p-53L;
    const long double radius = std::sqrt(-2 * std::log(u));
    for (std::size_t i = 0; i < normal_block / 2; ++i) {
      const long double angle =
          static_cast<long double>(numbers[i % numbers.size()]) * 0x1p-52L * 3.14159265358979323846264338327950288L;
      EXPECT_NEAR(normals[i], radius * std::cos(angle), 1e-14L) << first;
      EXPECT_NEAR(normals[normal_block / 2 + i], radius * std::sin(angle), 1e-14L) << first;
    }
  }
}

TEST(chi_candidates, are_finite_and_accepted_where_they_should_be) {
  const std::vector<double> degrees{2, 3, 10, 1e3, 1e6, 1e9};
  const std::vector<double> normals{-8.6, -3, -1, -1e-9, 0, 1e-300, 1e-9, 1, 3, 8.6};
  const std::vector<double> uniforms{0x1p-53, 1e-9, 0.1, 0.5, 0.9, 0.999, 1 - 0x1p-53};
  for (const double nu : degrees) {
    for (const double x : normals) {
      for (const double u : uniforms) {
        alignas(64) std::array<double, detail::chi_block> all_nu, all_x, all_u, chi{};
        alignas(64) std::array<std::int64_t, detail::chi_block> accepted{};
        all_nu.fill(nu), all_x.fill(x), all_u.fill(u);
        detail::chi_candidates(all_nu, all_x, all_u, chi, accepted);
        const long double shape = nu / 2.0L - 1 / 3.0L, root = 1 + x / std::sqrt(9 * shape);
        // ln v = 3 ln(1 + z) and 1 − v without their difference, z = x/√(9a)
        const long double z = x / std::sqrt(9 * shape);
        const long double bound =
            root > 0 ? x * x / 2.0L + shape * (3 * std::log1p(z) - z * (3 + z * (3 + z))) : -INFINITY;
        const long double gap = bound - std::log(static_cast<long double>(u));
        for (std::size_t i = 0; i < detail::chi_block; ++i) {
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
