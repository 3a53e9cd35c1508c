// Normal numbers from uniform words.
#pragma once

#include <cstdint>
#include <span>

#include "cotscale/base/random.hpp"

namespace cotscale::detail {

/// normals[i], normals[i + half] = r cos φ, r sin φ with r = √(−2 ln u) from words[i], φ = 2π v from words[half + i]
/// (Box, Muller 1958). Both arrays are aligned to 64 bytes and of a fixed length, so that no element's bits depend on a
/// loop's remainder.
void box_muller(std::span<const std::uint64_t, normal_block> words, std::span<double, normal_block> normals);

}  // namespace cotscale::detail
