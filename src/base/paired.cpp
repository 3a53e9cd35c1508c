#include "cotscale/base/paired.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The power of two at or below the largest finite |value|, so that scaled squares cannot overflow and scaling is exact.
double scale_of(std::span<const double> values) {
  double largest = 0;
  for (const double x : values) {
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
  }
  return largest > 0 ? std::ldexp(1.0, std::ilogb(largest)) : 1;
}

paired_difference plain(std::span<const double> x, double scale) {
  const auto count = static_cast<double>(x.size());
  const double unit = 1 / scale;
  double sum = 0, squares = 0;
  for (const double value : x) sum += value * unit;
  const double mean = sum / count;
  if (!std::isfinite(mean)) return {.mean = nan, .standard_error = infinity, .z = infinity};
  for (const double value : x) squares += (value * unit - mean) * (value * unit - mean);
  const double error = x.size() > 1 ? std::sqrt(squares / (count - 1) / count) : nan;
  double z = mean / error;
  if (error == 0) z = mean >= 0 ? infinity : -infinity;
  return {.mean = mean * scale, .standard_error = error * scale, .z = std::isnan(z) ? 0 : z};
}

// z of the means that are cut off at the (size/2)th, … 4th, 2nd largest value; reorders x.
double cut_off_z(std::span<double> x, double scale) {
  const std::size_t size = x.size();
  const double unit = 1 / scale;
  double largest = -infinity;
  double sum = 0, squares = 0;  // of what is below the cut-off
  std::size_t end = size;       // values from here on are in the sums
  std::size_t rank = 2;
  while (rank * 4 <= size) rank *= 2;
  for (; rank >= 2; rank /= 2) {
    const auto at = [&](std::size_t i) { return x.begin() + static_cast<std::ptrdiff_t>(i); };
    std::nth_element(at(0), at(rank - 1), at(end), std::greater<>());
    for (std::size_t i = rank; i < end; ++i) {
      sum += x[i] * unit;
      squares += x[i] * unit * (x[i] * unit);
    }
    end = rank;
    const double cut = x[rank - 1] * unit;
    const auto count = static_cast<double>(size), above = static_cast<double>(rank);
    const double mean = (sum + above * cut) / count;
    const double variance = (squares + above * cut * cut) / count - mean * mean;
    const double error = std::sqrt(std::max(variance, 1e-14 * mean * mean) / (count - 1));
    if (error > 0) largest = std::max(largest, mean / error);
  }
  return largest;
}

}  // namespace

std::vector<paired_difference> paired_differences(std::span<const std::span<const double>> rows, int best) {
  expects(best >= 0 && static_cast<std::size_t>(best) < rows.size(), "paired_differences: best = {} of {} rows", best,
          rows.size());
  const std::span<const double> reference = rows[static_cast<std::size_t>(best)];
  const double enough = told_apart(static_cast<int>(reference.size()));
  std::vector<double> difference(reference.size());
  std::vector<paired_difference> out;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    expects(rows[k].size() == reference.size(), "paired_differences: rows of {} and {} values", rows[k].size(),
            reference.size());
    for (std::size_t i = 0; i < difference.size(); ++i) {
      const double x = rows[k][i] - reference[i];
      difference[i] = std::isnan(x) ? infinity : x;  // a value that is not a number has diverged
    }
    const double scale = scale_of(difference);
    paired_difference found = plain(difference, scale);
    if (found.z < enough && difference.size() >= 8) found.z = std::max(found.z, cut_off_z(difference, scale));
    out.push_back(found);
  }
  return out;
}

double told_apart(int draws) {
  constexpr double z = 4;
  if (draws < 2) return infinity;
  const double freedom = draws - 1;
  // Abramowitz and Stegun, 26.7.5
  return z + (z * z * z + z) / (4 * freedom) + (5 * std::pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * freedom * freedom);
}

alternatives not_told_apart(std::span<const paired_difference> differences, int best, int draws) {
  const double enough = told_apart(draws);
  alternatives out{.first = best, .last = best};
  for (int k = 0; k < static_cast<int>(differences.size()); ++k) {
    if (k == best || differences[static_cast<std::size_t>(k)].z >= enough) continue;
    out.first = std::min(out.first, k);
    out.last = std::max(out.last, k);
  }
  return out;
}

}  // namespace cotscale
