#include "cotscale/task/spectrum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

double sum(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double power_law_hardness(int d, double exponent) {
  double total = 0;
  for (int j = 1; j <= d; ++j) total += std::pow(static_cast<double>(d) / j, exponent);
  return total;
}

}  // namespace

std::vector<double> power_law_spectrum(int d, double exponent) {
  expects(d >= 1, "power_law_spectrum: d must be at least 1, got {}", d);
  std::vector<double> values(static_cast<std::size_t>(d));
  for (int j = 1; j <= d; ++j) values[static_cast<std::size_t>(j - 1)] = std::pow(j, -exponent);
  return values;
}

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

double power_law_exponent(int d, double hardness) {
  if (!(hardness >= d) || !std::isfinite(hardness)) {
    throw specification_error(fmt::format(
        "hardness {} is not possible for d = {}: tr(Λ)/λ_min(Λ) is at least d; use {} or more", hardness, d, d));
  }
  if (hardness == d) return 0;
  if (d == 1) throw specification_error(fmt::format("hardness {} is not possible for d = 1: it is always 1", hardness));
  // Increasing in the exponent, d at 0; (d/1)^a alone reaches the hardness at a = ln(hardness)/ln(d).
  double low = 0;
  double high = std::log(hardness) / std::log(d);
  for (;;) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return high;
    (power_law_hardness(d, middle) < hardness ? low : high) = middle;
  }
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
