// Threefry4x64-20, many counters side by side. (Salmon et al., SC 2011)
#pragma once

#include <cstdint>
#include <span>

#include "cotscale/base/random.hpp"

namespace cotscale::detail {

inline constexpr int threefry_counters = normal_block / 4;

/// Words of the counters (first … first + 63, substream, stage, 0) under the key (low, high, 0, 0): word c of counter
/// first + i is words[64·c + i].
void threefry_words(stream_key key, std::uint64_t substream, std::uint64_t stage, std::uint64_t first,
                    std::span<std::uint64_t, normal_block> words);

}  // namespace cotscale::detail
