// Sample statistics by their textbook definitions.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace cotscale::reference {

inline double mean(const std::vector<double>& sample) {
  double sum = 0;
  for (const double x : sample) sum += x;
  return sum / static_cast<double>(sample.size());
}

/// √(Σ (x − mean)² / (N − 1) / N).
inline double standard_error(const std::vector<double>& sample) {
  const auto count = static_cast<double>(sample.size());
  const double centre = reference::mean(sample);
  double squares = 0;
  for (const double x : sample) squares += (x - centre) * (x - centre);
  return std::sqrt(squares / (count - 1) / count);
}

/// Order statistic number (N − 1) p, counted from 0; between two of them, on the straight line that joins them.
inline double quantile(std::vector<double> sample, double p) {
  std::sort(sample.begin(), sample.end());
  const double position = p * static_cast<double>(sample.size() - 1);
  const double weight = position - std::floor(position);
  const double below = sample[static_cast<std::size_t>(std::floor(position))];
  const double above = sample[static_cast<std::size_t>(std::ceil(position))];
  return weight == 0 ? below : (1 - weight) * below + weight * above;
}

}  // namespace cotscale::reference
