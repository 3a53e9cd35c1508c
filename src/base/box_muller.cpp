#include "box_muller.hpp"

#include <bit>
#include <cmath>

#include "cotscale/base/elementary.hpp"

namespace cotscale::detail {
namespace {

// The upper 52 bits of a word as the digits of a number in [1, 2): no CPU needs to convert integers.
[[gnu::always_inline]] inline double digits(std::uint64_t word) {
  return std::bit_cast<double>((word >> 12) | 0x3ff0000000000000);
}

}  // namespace

void box_muller(std::span<const std::uint64_t, normal_block> words, std::span<double, normal_block> normals) {
  constexpr int half = normal_block / 2;
  const std::uint64_t* __restrict word = words.data();
  double* __restrict out = normals.data();
  alignas(64) double square[half];  // of the radius; its root keeps other units busy than what it stands beside does
  for (int i = 0; i < half; ++i) square[i] = -2 * elementary::log_of_normal(2 - digits(word[i]));
  for (int i = 0; i < half; ++i) {
    const std::uint64_t w = word[half + i];
    const double radius = std::sqrt(square[i]);
    const auto [sine, cosine] = elementary::of_quarter_turn(digits(w) - 1.5);
    // An angle within an eighth of a turn of 0; its opposite, or that mirrored, by two bits that it has not used.
    const double along = radius * std::bit_cast<double>(std::bit_cast<std::uint64_t>(cosine) ^ (w << 63));
    const double across = radius * sine;
    out[i] = (w & 2) != 0 ? across : along;
    out[half + i] = (w & 2) != 0 ? along : across;
  }
}

}  // namespace cotscale::detail
