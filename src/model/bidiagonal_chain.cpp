#include "cotscale/model/bidiagonal_chain.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/lane_pack.hpp"

namespace cotscale {
namespace {

using detail::pack;
using detail::packs;

using lanes = std::array<double, lane_count>;

}  // namespace

void bidiagonal_chain(double a, const bidiagonal_lanes& prompts, matrix& errors) {
  const int columns = prompts.columns(), steps = errors.rows() - 1;
  expects(steps >= 0 && (steps <= columns || prompts.is_complete()), "bidiagonal_chain: {} steps, {} columns", steps,
          columns);
  thread_local matrix kept;
  kept.reshape(columns + 1, lane_count);
  std::fill_n(kept.data(), kept.size(), 0.0);
  std::fill_n(kept.data(), lane_count, 1.0);
  pack* u = packs(kept);
  const pack* diagonal = packs(prompts.diagonal);
  const pack* below = packs(prompts.below);
  const pack norm = *reinterpret_cast<const pack*>(prompts.norm_square.data());
  packs(errors)[0] = norm;
  for (int k = 1; k <= steps; ++k) {
    // u ← u − a B z, z = Bᵀu, of which the first k components are not 0; every u_i is read before it changes.
    const int last = std::min(k, columns);
    pack before = {}, square = {};
    for (int i = 0; i < last; ++i) {
      const pack z = diagonal[i] * u[i] + below[i] * u[i + 1];
      pack moved = diagonal[i] * z;
      if (i > 0) moved += below[i - 1] * before;
      const pack next = u[i] - a * moved;
      square += next * next;
      u[i] = next;
      before = z;
    }
    if (last > 0) {
      const pack next = u[last] - a * (below[last - 1] * before);
      square += next * next;
      u[last] = next;
    } else {
      square = u[0] * u[0];
    }
    packs(errors)[k] = norm * square;
  }
}

void bidiagonal_least_squares(const bidiagonal_lanes& prompts, double* errors) {
  const bool determined = prompts.examples >= prompts.dimension;
  for (int lane = 0; lane < lane_count; ++lane) {
    const auto l = static_cast<std::size_t>(lane);
    double square = 1, sum = determined ? 0 : 1;
    for (int j = 0; !determined && j < prompts.columns(); ++j) {
      const double ratio = prompts.diagonal(j, lane) / prompts.below(j, lane);
      square *= ratio * ratio;
      sum += square;
    }
    errors[lane] = determined ? 0 : prompts.norm_square[l] / (sum + square * prompts.null_tail[l]);
  }
}

// (B Bᵀ + p I) x = p e₁, where w − ŵ = ‖w‖ x. With pivots b_i² + q_i of the Cholesky factor no difference is taken.
void bidiagonal_ridge(double p, const bidiagonal_lanes& prompts, double* errors) {
  expects(p > 0, "bidiagonal_ridge: p = {}", p);
  const int columns = prompts.columns();
  thread_local std::vector<double> factors, y;  // l_i of L, and the solution of L D y = p e₁
  factors.resize(static_cast<std::size_t>(columns) * lane_count);
  y.resize(static_cast<std::size_t>(columns + 1) * lane_count);
  lanes q, rest;
  q.fill(p);
  rest.fill(p);
  for (int i = 0; i < columns; ++i) {
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
      const std::size_t at = static_cast<std::size_t>(i) * lane_count + lane;
      const double b = prompts.diagonal.data()[at], c = prompts.below.data()[at];
      const double pivot = b * b + q[lane];
      factors[at] = b * c / pivot;
      y[at] = rest[lane] / pivot;
      rest[lane] *= -factors[at];
      q[lane] = p + c * c * q[lane] / pivot;
    }
  }
  lanes x, square;
  for (std::size_t lane = 0; lane < lane_count; ++lane) {
    x[lane] = rest[lane] / q[lane];
    square[lane] = x[lane] * x[lane];
  }
  for (std::size_t at = factors.size(); at-- > 0;) {
    const std::size_t lane = at % lane_count;
    x[lane] = y[at] - factors[at] * x[lane];
    square[lane] += x[lane] * x[lane];
  }
  for (std::size_t lane = 0; lane < lane_count; ++lane) errors[lane] = prompts.norm_square[lane] * square[lane];
}

int ridge_columns(int d, int m, double p) {
  expects(d >= 1 && m >= 1 && p > 0, "ridge_columns: d = {}, m = {}, p = {}", d, m, p);
  const int all = std::min(d, m);
  constexpr double digits = 1e10, margin = 2;  // the least eigenvalues of finite matrices stand below the law's edge
  const double root = std::sqrt(static_cast<double>(d) / m);
  const double least = (1 - root) * (1 - root) / margin, largest = (1 + root) * (1 + root) * margin;
  const double condition = std::sqrt((largest + p) / (least + p));
  // A null space takes a step, and enlarges the residual by as much as its eigenvalue stands apart.
  const double count = std::log(digits * (largest + p) / p) / std::log1p(2 / (condition - 1)) + 2;
  constexpr int few = 32;
  return count + few < all ? static_cast<int>(count) + few : all;
}

}  // namespace cotscale
