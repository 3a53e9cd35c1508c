#include "cotscale/task/spectrum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

double sum(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

}  // namespace

std::vector<double> scaled_to_trace(std::vector<double> eigenvalues, double trace) {
  const double largest = *std::max_element(eigenvalues.begin(), eigenvalues.end());
  expects(largest > 0 && std::isfinite(largest),
          "scaled_to_trace: the largest eigenvalue must be positive and finite, got {}", largest);
  // By a power of two first, so that neither the sum nor the factor leaves a double's range.
  for (double& value : eigenvalues) value = std::ldexp(value, -std::ilogb(largest));
  const double factor = trace / sum(eigenvalues);
  for (double& value : eigenvalues) value *= factor;
  return eigenvalues;
}

double hardness(std::span<const double> eigenvalues) {
  const double smallest = *std::min_element(eigenvalues.begin(), eigenvalues.end());
  return smallest > 0 ? sum(eigenvalues) / smallest : std::numeric_limits<double>::infinity();
}

double support_hardness(std::span<const double> eigenvalues) {
  double smallest = std::numeric_limits<double>::infinity();
  for (const double value : eigenvalues) {
    if (value > 0) smallest = std::min(smallest, value);
  }
  return sum(eigenvalues) / smallest;
}

}  // namespace cotscale
