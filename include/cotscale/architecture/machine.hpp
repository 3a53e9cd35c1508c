// What work costs on one core of the machine that this was developed on (AMD EPYC 9004, AVX-512), in seconds; other
// machines scale all of it alike, so that the order of cells and the balance between ranks stay right.
// tests/bench/cost_model prints measured over estimated.
#pragma once

#include <algorithm>

namespace cotscale::cost {

inline constexpr double seconds_per_normal = 4e-9;
inline constexpr double seconds_per_chi = 18e-9;
inline constexpr double seconds_per_flop = 4e-11;
inline constexpr double seconds_per_small_call = 60e-9;
inline constexpr double seconds_per_lane_flop = 5e-11;  // a prompt's, of eight side by side
inline constexpr double seconds_per_attention_flop = 1e-10;

inline double product_seconds(double d) { return 2 * d * d * d * seconds_per_flop + seconds_per_small_call; }

/// Of a prompt of m examples, without them and with them.
inline double draw_seconds(double d, double m) {
  const double rank = std::min(d, m);
  return (rank * (2 * d - rank - 1) / 2 + d) * seconds_per_normal + rank * seconds_per_chi;
}

inline double explicit_draw_seconds(double d, double m) {
  return m * d * seconds_per_normal + 4 * m * d * d * seconds_per_flop + 30 * seconds_per_small_call;
}

}  // namespace cotscale::cost
