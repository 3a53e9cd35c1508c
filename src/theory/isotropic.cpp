#include "isotropic.hpp"

#include <algorithm>
#include <cmath>

#include "cotscale/base/error.hpp"

namespace cotscale::detail {

prompt_distribution in_full_if_small(const prompt_distribution& test) {
  if (!test.lambda.is_scalar() || !is_small(test.lambda)) return test;
  return {test.lambda.in_full(), test.features, test.noise, test.weights};
}

matrix in_shape_of(const covariance& sigma, const matrix& map) {
  const int rows = sigma.values().rows();
  if (map.rows() == rows || map.rows() != 1) return map;
  return matrix::diagonal(std::vector<double>(static_cast<std::size_t>(rows), map(0, 0)));
}

matrix plain_errors(double a, const bidiagonal_lanes& prompts, int steps) {
  const int columns = prompts.columns();
  expects(steps <= columns || prompts.is_complete(), "plain_errors: {} steps, {} columns", steps, columns);
  matrix u(columns + 1, lane_count), z(columns + 1, lane_count), out(steps + 1, lane_count);
  std::fill_n(u.data(), lane_count, 1.0);
  for (int k = 0;; ++k) {
    for (int i = 0; i <= columns; ++i) {
      for (int lane = 0; lane < lane_count; ++lane) out(k, lane) += u(i, lane) * u(i, lane);
    }
    if (k == steps) return out;
    for (int i = 0; i < columns; ++i) {  // z = Bᵀu
      for (int lane = 0; lane < lane_count; ++lane) {
        z(i, lane) = prompts.diagonal(i, lane) * u(i, lane) + prompts.below(i, lane) * u(i + 1, lane);
      }
    }
    for (int i = 0; i <= columns; ++i) {  // u ← u − a B z
      for (int lane = 0; lane < lane_count; ++lane) {
        const double own = i < columns ? prompts.diagonal(i, lane) * z(i, lane) : 0;
        const double above = i > 0 ? prompts.below(i - 1, lane) * z(i - 1, lane) : 0;
        u(i, lane) -= a * (own + above);
      }
    }
  }
}

int columns_of_largest(int d, int m) {
  constexpr double lengths = 12, least = 32;
  const int all = std::min(d, m);
  return std::min(all, static_cast<int>(lengths * std::cbrt(all) + least));
}

// x is above all eigenvalues of Bᵀ B, which is tridiagonal, exactly if all pivots of x − BᵀB are positive.
lane_values largest_eigenvalues(const bidiagonal_lanes& prompts) {
  constexpr int halvings = 44;
  lane_values low{}, high{};
  const auto entry = [&](const matrix& part, int i, std::size_t lane) { return part(i, static_cast<int>(lane)); };
  for (int i = 0; i < prompts.columns(); ++i) {
    for (std::size_t lane = 0; lane < high.size(); ++lane) {  // Gershgorin's bound
      const double b = entry(prompts.diagonal, i, lane), c = entry(prompts.below, i, lane);
      const double next = i + 1 < prompts.columns() ? entry(prompts.diagonal, i + 1, lane) : 0;
      const double before = i > 0 ? entry(prompts.below, i - 1, lane) : 0;
      high[lane] = std::max(high[lane], b * b + c * c + c * next + before * b);
    }
  }
  for (int halving = 0; halving < halvings; ++halving) {
    lane_values middle{}, pivot{}, least{};
    for (std::size_t lane = 0; lane < middle.size(); ++lane) middle[lane] = 0.5 * (low[lane] + high[lane]);
    least = middle;
    pivot.fill(1);
    for (int i = 0; i < prompts.columns(); ++i) {
      for (std::size_t lane = 0; lane < middle.size(); ++lane) {
        const double b = entry(prompts.diagonal, i, lane), c = entry(prompts.below, i, lane);
        const double beside = i > 0 ? b * entry(prompts.below, i - 1, lane) : 0;  // of column i − 1
        // Once it is not positive, what follows does not count.
        pivot[lane] = middle[lane] - b * b - c * c - beside * beside / pivot[lane];
        least[lane] = std::min(least[lane], pivot[lane]);
      }
    }
    for (std::size_t lane = 0; lane < middle.size(); ++lane) {
      (least[lane] > 0 ? high : low)[lane] = middle[lane];
    }
  }
  return high;
}

}  // namespace cotscale::detail
