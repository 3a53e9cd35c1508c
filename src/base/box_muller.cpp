#include "box_muller.hpp"

#include <bit>
#include <cmath>
#include <memory>

#include "cotscale/base/elementary.hpp"

namespace cotscale::detail {

void box_muller(std::span<const std::uint64_t, normal_block> words, std::span<double, normal_block> normals) {
  constexpr int half = normal_block / 2;
  constexpr std::uint64_t one = 0x3ff0000000000000;
  const std::uint64_t* word = std::assume_aligned<64>(words.data());
  double* out = std::assume_aligned<64>(normals.data());
  for (int i = 0; i < half; ++i) {
    // The upper 52 bits as the digits of a number in [1, 2): u is in (0, 1], v in [0, 1).
    const double u = 2 - std::bit_cast<double>((word[i] >> 12) | one);
    const double v = std::bit_cast<double>((word[half + i] >> 12) | one) - 1;
    const double radius = std::sqrt(-2 * elementary::log_of_normal(u));
    const auto [sine, cosine] = elementary::of_turn(v);
    out[i] = radius * cosine;
    out[half + i] = radius * sine;
  }
}

}  // namespace cotscale::detail
