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

/// Number `position` of the stream (key, substream). Blocks of 256 numbers take 64 counters. With words (a, b, c, d) of
/// counter i, numbers i, i + 64, i + 128, i + 192 of the block are r(a) cos φ(c), r(b) cos φ(d), r(a) sin φ(c),
/// r(b) sin φ(d), where r(a) = √(−2 ln u), φ(c) = 2πv, and u in (0, 1], v in [0, 1) are made of the upper 53 bits.
inline double normal_number(std::uint64_t key_low, std::uint64_t key_high, std::uint64_t substream,
                            std::uint64_t position) {
  const std::uint64_t block = position / 256;
  const std::uint64_t lane = position % 64;
  const std::uint64_t quarter = position % 256 / 64;
  const words4 words = threefry4x64_20({block * 64 + lane, substream, 0, 0}, {key_low, key_high, 0, 0});
  const double u = (static_cast<double>(words[quarter % 2] >> 11) + 1) / 0x1p53;
  const double v = static_cast<double>(words[2 + quarter % 2] >> 11) / 0x1p53;
  const double angle = 2 * std::numbers::pi * v;
  return std::sqrt(-2 * std::log(u)) * (quarter < 2 ? std::cos(angle) : std::sin(angle));
}

}  // namespace cotscale::reference
