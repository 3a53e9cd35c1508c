// Eight explicit prompts, side by side.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cotscale/linalg/lapack.hpp"
#include "cotscale/task/prompt.hpp"
#include "cotscale/task/wishart.hpp"

namespace cotscale::support {

/// L Lᵀ = X Xᵀ for eight prompts of m examples each; L by the LQ decomposition of X.
inline prompt_lanes side_by_side(const std::vector<prompt>& prompts) {
  const int d = prompts.front().x.rows();
  const int m = prompts.front().x.columns();
  prompt_lanes out{.m = m, .factor = {.rows = d, .columns = std::min(d, m), .packed = {}}, .w = matrix(d, lane_count)};
  out.factor.packed = matrix(trapezoid_size(d, out.factor.columns), lane_count);
  for (int lane = 0; lane < lane_count; ++lane) {
    const prompt& p = prompts[static_cast<std::size_t>(lane)];
    const matrix l = lower_trapezoidal_factor(p.x);
    for (int i = 0; i < d; ++i) {
      out.w(i, lane) = p.w[static_cast<std::size_t>(i)];
      for (int j = 0; j < out.factor.row_length(i); ++j) {
        out.factor.packed(static_cast<int>(out.factor.row(i)) + j, lane) = l(i, j);
      }
    }
  }
  return out;
}

inline std::vector<prompt> eight_prompts(const covariance& sigma, int m, stream_key key) {
  std::vector<prompt> out(lane_count);
  const prompt_source source(sigma, m, key);
  for (std::size_t i = 0; i < out.size(); ++i) source.draw(i, out[i]);
  return out;
}

}  // namespace cotscale::support
