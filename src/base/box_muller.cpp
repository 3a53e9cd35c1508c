#include "box_muller.hpp"

#include <cmath>
#include <memory>
#include <numbers>

namespace cotscale::detail {

void box_muller(std::span<const std::uint64_t, normal_block> words, std::span<double, normal_block> normals) {
  constexpr int half = normal_block / 2;
  const std::uint64_t* word = std::assume_aligned<64>(words.data());
  double* out = std::assume_aligned<64>(normals.data());
  alignas(64) double radius[half];
  alignas(64) double angle[half];
  // The upper 53 bits; as signed integers, which every vector unit converts. u is in (0, 1], v in [0, 1).
  for (int i = 0; i < half; ++i)
    radius[i] = (static_cast<double>(static_cast<std::int64_t>(word[i] >> 11)) + 1) * 0x1p-53;
  for (int i = 0; i < half; ++i) {
    angle[i] = static_cast<double>(static_cast<std::int64_t>(word[half + i] >> 11)) * (0x1p-52 * std::numbers::pi);
  }
  // |log u| is −log u, and has a root even if a vector's log(1) is a bit above 0.
  for (int i = 0; i < half; ++i) radius[i] = std::sqrt(2 * std::abs(std::log(radius[i])));
  for (int i = 0; i < half; ++i) out[i] = radius[i] * std::cos(angle[i]);
  for (int i = 0; i < half; ++i) out[half + i] = radius[i] * std::sin(angle[i]);
}

}  // namespace cotscale::detail
