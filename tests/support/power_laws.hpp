// Tasks whose eigenvalues are a power law.
#pragma once

#include <string_view>

#include "cotscale/base/random.hpp"
#include "cotscale/task/covariance.hpp"
#include "cotscale/task/spectrum.hpp"

namespace cotscale::support {

/// Of trace d and the given hardness, diagonal.
inline covariance power_law(int d, double hardness) {
  return covariance(scaled_to_trace(power_law_spectrum(d, power_law_exponent(d, hardness)), d));
}

/// The same eigenvalues in a random basis, which the name decides.
inline covariance rotated(const covariance& lambda, std::string_view name) {
  const int d = lambda.dimension();
  return {{lambda.eigenvalues().begin(), lambda.eigenvalues().end()}, random_rotation(d, key_builder(name).key())};
}

}  // namespace cotscale::support
