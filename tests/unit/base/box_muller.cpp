// Normal numbers from words, at the ends of what they are given.
#include "../src/base/box_muller.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "support/ulps.hpp"

namespace cotscale {
namespace {

// Words whose upper 52 bits are `number`.
std::uint64_t word(std::uint64_t number) { return number << 12; }

constexpr std::uint64_t most = (std::uint64_t{1} << 52) - 1;

struct exact_normals {
  long double of_cosine, of_sine;
};

// What is left of the nearest eighth of a turn is exact; so are both functions there.
exact_normals exact_box_muller(std::uint64_t first, std::uint64_t second) {
  const long double u = 1 - static_cast<long double>(first) * 0x1p-52L, v = static_cast<long double>(second) * 0x1p-52L;
  const long double radius = std::sqrt(-2 * std::log(u)), quarter = std::nearbyint(4 * v);
  const long double angle = 2 * std::numbers::pi_v<long double> * (v - quarter / 4);
  const long double s = std::sin(angle), c = std::cos(angle);
  switch (static_cast<int>(quarter) & 3) {
    case 0:
      return {radius * c, radius * s};
    case 1:
      return {-radius * s, radius * c};
    case 2:
      return {-radius * c, -radius * s};
    default:
      return {radius * s, -radius * c};
  }
}

// Every first word with every second one, a block of first words at a time.
TEST(box_muller, is_right_from_the_smallest_word_to_the_largest) {
  std::vector<std::uint64_t> numbers{most / 2, most / 3, most / 4, most / 8};
  for (std::uint64_t i = 0; i < 60; ++i) {
    numbers.push_back(i);
    numbers.push_back(most - i);
    numbers.push_back(std::uint64_t{1} << (i % 52));
    numbers.push_back(most - (std::uint64_t{1} << (i % 52)));
  }
  constexpr std::size_t half = normal_block / 2;
  support::worst_place<double> worst;
  for (std::size_t shift = 0; shift < numbers.size(); ++shift) {
    for (std::size_t begin = 0; begin < numbers.size(); begin += half) {
      alignas(64) std::array<std::uint64_t, normal_block> words{};
      alignas(64) std::array<double, normal_block> normals{};
      const auto first = [&](std::size_t i) { return numbers[(begin + i) % numbers.size()]; };
      const auto second = [&](std::size_t i) { return numbers[(begin + i + shift) % numbers.size()]; };
      for (std::size_t i = 0; i < half; ++i) words[i] = word(first(i)), words[half + i] = word(second(i));
      detail::box_muller(words, normals);
      for (std::size_t i = 0; i < half; ++i) {
        const exact_normals exact = exact_box_muller(first(i), second(i));
        worst.add(normals[i], support::ulps(normals[i], exact.of_cosine));
        worst.add(normals[half + i], support::ulps(normals[half + i], exact.of_sine));
      }
    }
  }
  EXPECT_LE(worst.distance, 4) << "at " << worst.place;
}

// The largest radius is that of u = 2^−52, the smallest 0.
TEST(box_muller, is_finite_at_the_ends) {
  alignas(64) std::array<std::uint64_t, normal_block> words{};
  alignas(64) std::array<double, normal_block> normals{};
  for (std::size_t i = 0; i < normal_block / 2; ++i) words[i] = i % 2 == 0 ? ~std::uint64_t{0} : 0;
  detail::box_muller(words, normals);
  for (std::size_t i = 0; i < normal_block / 2; ++i) {
    EXPECT_EQ(normals[i], i % 2 == 0 ? std::sqrt(2 * 52 * std::log(2.0)) : 0) << i;
    EXPECT_EQ(normals[normal_block / 2 + i], 0) << i;
  }
}

}  // namespace
}  // namespace cotscale
