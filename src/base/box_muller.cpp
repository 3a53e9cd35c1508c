#include "box_muller.hpp"

#include <bit>
#include <cmath>

#include "cotscale/base/elementary.hpp"
#include "threefry.hpp"

namespace cotscale::detail {
namespace {

// The upper 52 bits of a word as the digits of a number in [1, 2): no CPU needs to convert integers.
[[gnu::always_inline]] inline double digits(std::uint64_t word) {
  return std::bit_cast<double>((word >> 12) | 0x3ff0000000000000);
}

}  // namespace

void box_muller(int blocks, const std::uint64_t* __restrict words, double* __restrict normals) {
  constexpr int half = random_block / 2;
  double square[most_blocks * half];  // of the radius; its root keeps other units busy than what it stands beside does
  for (int block = 0; block < blocks; ++block) {
    const std::uint64_t* word = words + block * random_block;
    for (int i = 0; i < half; ++i) square[block * half + i] = -2 * elementary::log_of_normal(2 - digits(word[i]));
  }
  for (int block = 0; block < blocks; ++block) {
    const std::uint64_t* word = words + block * random_block + half;
    double* out = normals + block * random_block;
    for (int i = 0; i < half; ++i) {
      const double radius = std::sqrt(square[block * half + i]);
      const auto [sine, cosine] = elementary::of_quarter_turn(digits(word[i]) - 1.5);
      // An angle within an eighth of a turn of 0; its opposite, or that mirrored, by two bits that it has not used.
      const double along = radius * std::bit_cast<double>(std::bit_cast<std::uint64_t>(cosine) ^ (word[i] << 63));
      const double across = radius * sine;
      out[i] = (word[i] & 2) != 0 ? across : along;
      out[half + i] = (word[i] & 2) != 0 ? along : across;
    }
  }
}

}  // namespace cotscale::detail
