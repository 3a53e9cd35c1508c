#include "cotscale/eval/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double quantile(std::span<const double> sorted, double probability) {
  const double position = probability * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const double fraction = position - static_cast<double>(below);
  if (fraction == 0) return sorted[below];
  if (sorted[below + 1] == infinity) return infinity;
  return sorted[below] + fraction * (sorted[below + 1] - sorted[below]);
}

}  // namespace

error_statistics summarise(std::span<double> errors) {
  expects(!errors.empty(), "summarise: there must be at least one error, got {}", errors.size());
  const auto count = static_cast<double>(errors.size());
  for (double& e : errors) {
    if (!std::isfinite(e)) e = infinity;
  }
  std::sort(errors.begin(), errors.end());
  const auto first_diverged = std::lower_bound(errors.begin(), errors.end(), infinity);
  error_statistics out{.median = quantile(errors, 0.5),
                       .q05 = quantile(errors, 0.05),
                       .q95 = quantile(errors, 0.95),
                       .diverged_share = static_cast<double>(errors.end() - first_diverged) / count};
  if (out.diverged_share > 0) {
    out.mean = out.standard_error = infinity;
    return out;
  }
  // Relative to the largest error, so that neither the sum nor the squares overflow before the result does.
  const double scale = errors.back() > 0 ? errors.back() : 1;
  double sum = 0;
  for (const double e : errors) sum += e / scale;
  const double mean = sum / count;
  double squares = 0;
  for (const double e : errors) squares += (e / scale - mean) * (e / scale - mean);
  out.mean = mean * scale;
  out.standard_error =
      errors.size() > 1 ? std::sqrt(squares / (count - 1) / count) * scale : std::numeric_limits<double>::quiet_NaN();
  return out;
}

}  // namespace cotscale
