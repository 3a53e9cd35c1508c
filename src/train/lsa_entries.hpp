// Which entries of V and W learn, and what they begin with.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/train/sampled.hpp"

namespace cotscale::detail {

/// A place in V or W.
struct entry {
  bool of_w;
  std::size_t index;  ///< row-major
};

inline double& at(lsa_parameters& p, const entry& e) { return (e.of_w ? p.w : p.v).data()[e.index]; }
inline double at(const lsa_parameters& p, const entry& e) { return (e.of_w ? p.w : p.v).data()[e.index]; }

/// Those that move in training, in d dimensions.
std::vector<entry> free_entries(const sampled_options& options, int d);

/// V and W to begin with, (2d+2, 2d+2); random ones are drawn from the streams of this key.
lsa_parameters starting_point(const sampled_options& options, int d, std::span<const entry> free, stream_key key);

}  // namespace cotscale::detail
