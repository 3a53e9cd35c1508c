// Sums of numbers that are given by their logarithms, and may be beyond the range of double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace cotscale {

/// ln(eᵃ + eᵇ).
inline double log_sum(double a, double b) {
  const double larger = std::max(a, b);
  return std::isfinite(larger) ? larger + std::log1p(std::exp(std::min(a, b) - larger)) : larger;
}

/// ln of the mean of exp(x); x is not empty.
inline double log_mean_exp(std::span<const double> x) {
  const double largest = *std::max_element(x.begin(), x.end());
  if (!std::isfinite(largest)) return largest;
  double sum = 0;
  for (const double value : x) sum += std::exp(value - largest);
  return largest + std::log(sum / static_cast<double>(x.size()));
}

}  // namespace cotscale
