// Normal numbers from uniform words.
#pragma once

#include <cstdint>

#include "cotscale/base/random.hpp"

namespace cotscale::detail {

/// So many blocks, at most four: in each, normals[i], normals[32 + i] = r cos φ, r sin φ (Box, Muller 1958) with
/// r = √(−2 ln u) from words[i], φ from words[32 + i]. The upper 52 bits of a word are a uniform number; φ is one
/// within an eighth of a turn of 0, turned about by bit 0 and mirrored at the diagonal by bit 1, which is uniform over
/// the whole turn.
void box_muller(int blocks, const std::uint64_t* words, double* normals);

}  // namespace cotscale::detail
