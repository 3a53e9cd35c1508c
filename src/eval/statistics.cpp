#include "cotscale/eval/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Quantiles of unsorted values, for ascending probabilities: each looks only at what is not below the last one.
class ascending_quantiles {
 public:
  explicit ascending_quantiles(std::span<double> values) : values_(values) {}

  double operator()(double probability) {
    const double position = probability * static_cast<double>(values_.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const double fraction = position - static_cast<double>(below);
    const double lower = order_statistic(below);
    if (fraction == 0) return lower;
    const double upper = order_statistic(below + 1);
    if (upper == infinity) return infinity;
    return lower + fraction * (upper - lower);
  }

 private:
  double order_statistic(std::size_t i) {
    const auto at = [&](std::size_t place) { return values_.begin() + static_cast<std::ptrdiff_t>(place); };
    if (i >= done_) std::nth_element(at(done_), at(i), values_.end());
    done_ = std::max(done_, i + 1);
    return values_[i];
  }

  std::span<double> values_;
  std::size_t done_ = 0;  // this many stand where they would if sorted, or are below all that follow
};

}  // namespace

error_statistics summarise(std::span<double> errors) {
  expects(!errors.empty(), "summarise: there must be at least one error, got {}", errors.size());
  const auto count = static_cast<double>(errors.size());
  for (double& e : errors) {
    if (!std::isfinite(e)) e = infinity;
  }
  const auto diverged = std::count(errors.begin(), errors.end(), infinity);
  // Relative to the largest error, so that neither the sum nor the squares overflow before the result does. Summed
  // before quantiles reorder them.
  const double largest = *std::max_element(errors.begin(), errors.end());
  const double scale = largest > 0 ? largest : 1;
  double sum = 0, squares = 0;
  for (const double e : errors) sum += e / scale;
  const double mean = sum / count;
  for (const double e : errors) squares += (e / scale - mean) * (e / scale - mean);
  ascending_quantiles quantile(errors);
  error_statistics out{.diverged_share = static_cast<double>(diverged) / count};
  out.q05 = quantile(0.05);
  out.median = quantile(0.5);
  out.q95 = quantile(0.95);
  if (out.diverged_share > 0) {
    out.mean = out.standard_error = infinity;
    return out;
  }
  out.mean = mean * scale;
  out.standard_error =
      errors.size() > 1 ? std::sqrt(squares / (count - 1) / count) * scale : std::numeric_limits<double>::quiet_NaN();
  return out;
}

}  // namespace cotscale
