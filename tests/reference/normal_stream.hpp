// The stream of normal numbers, number by number: Threefry4x64-20 (Salmon et al., SC 2011, section 4.2) and Box-Muller,
// written from their definitions and sharing no code with the program.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace cotscale::reference {

using words4 = std::array<std::uint64_t, 4>;

/// Twenty rounds of mixing; the key is added before the first and after every fourth.
inline words4 threefry4x64_20(words4 x, const words4& key) {
  constexpr std::array<std::array<int, 2>, 8> rotations{
      {{14, 16}, {52, 57}, {23, 40}, {5, 37}, {25, 33}, {46, 12}, {58, 22}, {32, 32}}};
  const std::array<std::uint64_t, 5> schedule{key[0], key[1], key[2], key[3],
                                              0x1BD11BDAA9FC1A22 ^ key[0] ^ key[1] ^ key[2] ^ key[3]};
  const auto add_key = [&](std::size_t number) {
    for (std::size_t i = 0; i < 4; ++i) x[i] += schedule[(number + i) % 5];
    x[3] += number;
  };
  const auto mix = [](std::uint64_t& a, std::uint64_t& b, int rotation) {
    a += b;
    b = std::rotl(b, rotation) ^ a;
  };
  add_key(0);
  for (std::size_t round = 0; round < 20; ++round) {
    const auto& rotation = rotations[round % 8];
    mix(x[0], x[round % 2 == 0 ? 1 : 3], rotation[0]);
    mix(x[2], x[round % 2 == 0 ? 3 : 1], rotation[1]);
    if (round % 4 == 3) add_key(round / 4 + 1);
  }
  return x;
}

/// Numbers of the pair that words (a, c) make: r along and across an axis, r = √(−2 ln u) and u in (0, 1] of the upper
/// 52 bits of a, at an angle within an eighth of a turn of the axis, of the upper 52 bits of c. Bit 0 of c turns the
/// axis about, bit 1 exchanges the two.
inline std::array<double, 2> normal_pair(std::uint64_t a, std::uint64_t c) {
  const double u = 1 - static_cast<double>(a >> 12) / 0x1p52;
  const double angle = std::numbers::pi / 2 * (static_cast<double>(c >> 12) / 0x1p52 - 0.5);
  const double radius = std::sqrt(-2 * std::log(u));
  const double along = (c & 1) != 0 ? -radius * std::cos(angle) : radius * std::cos(angle);
  const double across = radius * std::sin(angle);
  return (c & 2) != 0 ? std::array{across, along} : std::array{along, across};
}

/// Number `position` of the stream (key, substream). Blocks of 64 numbers take 16 counters. With words (a, b, c, d) of
/// counter i, numbers i and i + 32 of the block are the pair of (a, c), numbers i + 16 and i + 48 that of (b, d).
inline double normal_number(std::uint64_t key_low, std::uint64_t key_high, std::uint64_t substream,
                            std::uint64_t position) {
  const std::uint64_t block = position / 64;
  const std::uint64_t lane = position % 16;
  const std::uint64_t quarter = position % 64 / 16;
  const words4 words = threefry4x64_20({block * 16 + lane, substream, 0, 0}, {key_low, key_high, 0, 0});
  return normal_pair(words[quarter % 2], words[2 + quarter % 2])[quarter / 2];
}

}  // namespace cotscale::reference
