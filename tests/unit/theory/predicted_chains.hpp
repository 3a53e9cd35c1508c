// Covariances and preconditioners of which the errors of chains are predicted.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/linalg/matrix.hpp"
#include "cotscale/task/covariance.hpp"

namespace cotscale {

inline const stream_key some_key = key_builder("test prediction").key();

inline covariance rotated(const std::vector<double>& eigenvalues, std::string_view name) {
  return {eigenvalues, random_rotation(static_cast<int>(eigenvalues.size()), key_builder(name).key())};
}

inline covariance isotropic(int d) { return covariance(std::vector<double>(static_cast<std::size_t>(d), 1.0)); }

inline matrix scaled_identity(int d, double factor) {
  return matrix::diagonal(std::vector<double>(static_cast<std::size_t>(d), factor));
}

}  // namespace cotscale
