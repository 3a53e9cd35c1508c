// Normal numbers from words, at the ends of what they are given.
#include "../src/base/box_muller.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include "support/ulps.hpp"

namespace cotscale {
namespace {

// A word of which the upper 52 bits are `number` and the last two `rest`.
std::uint64_t word(std::uint64_t number, std::uint64_t rest = 0) { return number << 12 | rest; }

constexpr std::uint64_t most = (std::uint64_t{1} << 52) - 1;

struct exact_normals {
  long double first, second;
};

exact_normals exact_box_muller(std::uint64_t a, std::uint64_t c) {
  const long double u = 1 - static_cast<long double>(a >> 12) * 0x1p-52L;
  const long double angle = std::numbers::pi_v<long double> / 2 * (static_cast<long double>(c >> 12) * 0x1p-52L - 0.5L);
  const long double radius = std::sqrt(-2 * std::log(u));
  const long double along = (c & 1) != 0 ? -radius * std::cos(angle) : radius * std::cos(angle);
  const long double across = radius * std::sin(angle);
  return (c & 2) != 0 ? exact_normals{across, along} : exact_normals{along, across};
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
  constexpr std::size_t half = random_block / 2;
  support::worst_place<double> worst;
  for (std::size_t shift = 0; shift < numbers.size(); ++shift) {
    for (std::size_t begin = 0; begin < numbers.size(); begin += half) {
      alignas(64) std::array<std::uint64_t, random_block> words{};
      alignas(64) std::array<double, random_block> normals{};
      const auto first = [&](std::size_t i) { return numbers[(begin + i) % numbers.size()]; };
      const auto second = [&](std::size_t i) { return numbers[(begin + i + shift) % numbers.size()]; };
      for (std::size_t i = 0; i < half; ++i)
        words[i] = word(first(i), i % 4), words[half + i] = word(second(i), shift % 4);
      detail::box_muller(1, words.data(), normals.data());
      for (std::size_t i = 0; i < half; ++i) {
        const exact_normals exact = exact_box_muller(words[i], words[half + i]);
        worst.add(normals[i], support::ulps(normals[i], exact.first));
        worst.add(normals[half + i], support::ulps(normals[half + i], exact.second));
      }
    }
  }
  EXPECT_LE(worst.distance, 4) << "at " << worst.place;
}

// The largest radius is that of u = 2^−52, the smallest 0.
TEST(box_muller, is_finite_at_the_ends) {
  alignas(64) std::array<std::uint64_t, random_block> words{};
  alignas(64) std::array<double, random_block> normals{};
  constexpr std::size_t half = random_block / 2;
  for (std::size_t i = 0; i < half; ++i)
    words[i] = i % 2 == 0 ? ~std::uint64_t{0} : 0, words[half + i] = word(most / 2 + 1);
  detail::box_muller(1, words.data(), normals.data());
  for (std::size_t i = 0; i < half; ++i) {
    EXPECT_EQ(normals[i], i % 2 == 0 ? std::sqrt(2 * 52 * std::log(2.0)) : 0) << i;
    EXPECT_EQ(normals[half + i], 0) << i;
  }
}

TEST(box_muller, makes_the_same_of_a_block_wherever_it_stands) {
  std::mt19937_64 engine(1);
  std::vector<std::uint64_t> words(4 * random_block);
  for (std::uint64_t& w : words) w = engine();
  std::vector<double> expected(words.size());
  for (std::size_t block = 0; block < 4; ++block) {
    detail::box_muller(1, words.data() + block * random_block, expected.data() + block * random_block);
  }
  for (std::size_t blocks = 1; blocks <= 4; ++blocks) {
    std::vector<double> together(words.size() + 1, -99);
    detail::box_muller(static_cast<int>(blocks), words.data(), together.data() + 1);
    const auto end = static_cast<std::ptrdiff_t>(blocks * random_block);
    EXPECT_TRUE(std::equal(expected.begin(), expected.begin() + end, together.begin() + 1)) << blocks;
    EXPECT_TRUE(std::all_of(together.begin() + 1 + end, together.end(), [](double x) { return x == -99; })) << blocks;
  }
}

// Beyond six standard deviations no draw of a test gets, so the words are drawn from those that lead there: if the
// first 26 bits of the first word are 1, u ≤ 2^−26, which every number beyond √(52 ln 2) = 6.004 needs.
TEST(box_muller, has_normal_tails_far_out) {
  constexpr int bits = 26;
  constexpr std::uint64_t ones = ((std::uint64_t{1} << bits) - 1) << (64 - bits);
  std::mt19937_64 engine(1);
  const std::vector<double> beyond{6.01, 6.25, 6.5, 7, 7.5};
  std::vector<double> above(beyond.size()), below(beyond.size());
  double pairs = 0;
  for (int block = 0; block < 160'000; ++block) {
    alignas(64) std::array<std::uint64_t, random_block> words;
    alignas(64) std::array<double, random_block> normals;
    for (std::size_t i = 0; i < random_block / 2; ++i) words[i] = engine() | ones;
    for (std::size_t i = random_block / 2; i < random_block; ++i) words[i] = engine();
    detail::box_muller(1, words.data(), normals.data());
    pairs += random_block / 2;
    for (const double z : normals) {
      for (std::size_t i = 0; i < beyond.size() && std::abs(z) > beyond[i]; ++i) (z > 0 ? above : below)[i] += 1;
    }
  }
  for (std::size_t i = 0; i < beyond.size(); ++i) {
    // Numbers of a side: two of a pair, P(Z > z) each, among 2^−26 of all pairs.
    const double expected = 2 * pairs * std::ldexp(std::erfc(beyond[i] / std::numbers::sqrt2) / 2, bits);
    ASSERT_GT(expected, 20);
    EXPECT_NEAR(above[i], expected, 4 * std::sqrt(expected)) << beyond[i];
    EXPECT_NEAR(below[i], expected, 4 * std::sqrt(expected)) << beyond[i];
  }
}

}  // namespace
}  // namespace cotscale
