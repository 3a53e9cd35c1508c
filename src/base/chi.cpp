#include "chi.hpp"

#include <cmath>

#include "cotscale/base/elementary.hpp"

namespace cotscale::detail {

void chi_candidates(int count, const double* __restrict degrees, const double* __restrict normals,
                    const double* __restrict uniforms, double* __restrict chi, std::int64_t* __restrict accepted) {
  for (int i = 0; i < count; ++i) {
    const double x = normals[i];
    const double shape = degrees[i] / 2 - 1.0 / 3;
    const double root = 1 + x / std::sqrt(9 * shape);
    const double v = root * root * root;
    // ln U < x²/2 + a (1 − v + ln v), a = ν/2 − 1/3; the logarithm is −∞ or NaN where v is no positive number.
    const double bound = x * x / 2 + shape * (1 - v + elementary::log(v));
    accepted[i] = elementary::log_of_normal(uniforms[i]) < bound ? 1 : 0;
    chi[i] = std::sqrt(2 * shape * v);
  }
}

}  // namespace cotscale::detail
