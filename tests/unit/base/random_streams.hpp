// Numbers of a stream, as vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cotscale/base/random.hpp"

namespace cotscale {

inline constexpr stream_key some_key{0x0123456789abcdef, 0xfedcba9876543210};

inline std::vector<double> normals(stream_key key, std::uint64_t substream, std::size_t count) {
  std::vector<double> out(count);
  fill_normal(key, substream, out);
  return out;
}

inline std::vector<double> uniforms(stream_key key, std::uint64_t substream, std::size_t count) {
  std::vector<double> out(count);
  fill_uniform(key, substream, out);
  return out;
}

inline std::vector<double> chis(stream_key key, std::uint64_t substream, const std::vector<double>& degrees) {
  std::vector<double> out(degrees.size());
  fill_chi(key, substream, degrees, out);
  return out;
}

}  // namespace cotscale
