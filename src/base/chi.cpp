#include "chi.hpp"

#include <algorithm>
#include <cmath>

namespace cotscale::detail {

void chi_candidates(std::span<const double, chi_block> degrees, std::span<const double, chi_block> normals,
                    std::span<const double, chi_block> uniforms, std::span<double, chi_block> chi,
                    std::span<std::int64_t, chi_block> accepted) {
  constexpr double smallest = 1e-300;
  for (int i = 0; i < chi_block; ++i) {
    const double x = normals[i];
    const double shape = degrees[i] / 2 - 1.0 / 3;
    const double root = 1 + x / std::sqrt(9 * shape);
    const double v = std::max(root * root * root, smallest);
    // ln U < x²/2 + a (1 − v + ln v), a = ν/2 − 1/3
    const double bound = x * x / 2 + shape * (1 - v + std::log(v));
    accepted[i] = (root > 0 ? 1 : 0) & (std::log(uniforms[i]) < bound ? 1 : 0);
    chi[i] = std::sqrt(2 * shape * v);
  }
}

}  // namespace cotscale::detail
