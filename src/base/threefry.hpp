// Threefry4x64-20, many counters side by side. (Salmon et al., SC 2011)
#pragma once

#include <cstdint>

#include "cotscale/base/random.hpp"

namespace cotscale::detail {

inline constexpr int block_counters = random_block / 4;
inline constexpr int most_blocks = 4;

/// Blocks `first` … first + blocks − 1 of the words of (substream, stage) under the key, at most four at a time: word c
/// of counter 16·(first + b) + i is words[64·b + 16·c + i], where counters are (number, substream, stage, 0) and the
/// key is (low, high, 0, 0).
void threefry_blocks(stream_key key, std::uint64_t substream, std::uint64_t stage, std::uint64_t first, int blocks,
                     std::uint64_t* words);

}  // namespace cotscale::detail
