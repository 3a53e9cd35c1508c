// Parameters in blocks of fixed size, each as a thread of its own if there are many.
#pragma once

#include <algorithm>
#include <cstddef>

#include "cotscale/base/parallel.hpp"

namespace cotscale::optimizers {

inline constexpr std::size_t parameters_per_block = std::size_t{1} << 16;

inline std::size_t blocks_of(std::size_t size) { return (size + parameters_per_block - 1) / parameters_per_block; }

/// body(block, first, count)
template<class F>
void for_blocks(std::size_t size, const F& body) {
  parallel_for(static_cast<int>(blocks_of(size)), [&](int i) {
    const auto block = static_cast<std::size_t>(i);
    const std::size_t first = block * parameters_per_block;
    body(block, first, std::min(parameters_per_block, size - first));
  });
}

}  // namespace cotscale::optimizers
