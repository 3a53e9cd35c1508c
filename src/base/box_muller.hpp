// Normal numbers from uniform words.
#pragma once

#include <cstdint>
#include <span>

#include "cotscale/base/random.hpp"

namespace cotscale::detail {

/// normals[i], normals[i + 128] = r cos φ, r sin φ (Box, Muller 1958) with r = √(−2 ln u) from words[i], φ from
/// words[i + 128]. The upper 52 bits of a word are a uniform number; φ is one within an eighth of a turn of 0, turned
/// about by bit 0 and mirrored at the diagonal by bit 1, which is uniform over the whole turn.
void box_muller(std::span<const std::uint64_t, normal_block> words, std::span<double, normal_block> normals);

}  // namespace cotscale::detail
