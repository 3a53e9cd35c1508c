#include "corral.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {
namespace {

// Squared distances from an affine hull, relative to the points' own squares: below the first they are rounding, from
// the second on they are sound enough for many points to enter together.
constexpr double least_pivot = 1e-13;
constexpr double independent_pivot = 1e-11;

constexpr std::size_t block_size = 128;   // rows that are appended together
constexpr std::size_t few_removals = 16;  // up to here rotations are faster than a new factorisation

}  // namespace

corral::corral(const matrix& gram, int point) : gram_(gram), points_{point} {
  expects(point >= 0 && point < gram.rows() && gram.rows() == gram.columns(), "corral: point {}, Gram matrix ({}, {})",
          point, gram.rows(), gram.columns());
}

double corral::product_of_differences(int i, int j) const {
  const int b = points_.front();
  return gram_(i, j) - gram_(i, b) - gram_(b, j) + gram_(b, b);
}

void corral::reserve(int rows) {
  if (rows <= factor_.rows()) return;
  const int capacity = std::min(std::max(2 * factor_.rows(), rows), gram_.rows());
  matrix larger(capacity, capacity);
  for (int i = 0; i < this->rows(); ++i) std::copy_n(&factor_(i, 0), i + 1, &larger(i, 0));
  factor_ = std::move(larger);
}

void corral::add(std::span<const int> points) {
  const std::size_t before = points_.size();
  append(points, admission::independent);
  if (points_.size() == before) append(points.first(1), admission::all);
}

void corral::append(std::span<const int> points, admission which) {
  reserve(rows() + static_cast<int>(points.size()));
  for (std::size_t first = 0; first < points.size(); first += block_size) {
    append_block(points.subspan(first, std::min(block_size, points.size() - first)), which);
  }
}

// [L 0; Z C] with Z = N_new,old L⁻ᵀ and CCᵀ = N_new,new − ZZᵀ.
void corral::append_block(std::span<const int> points, admission which) {
  const int old = rows();
  const int offered = static_cast<int>(points.size());
  matrix z(offered, old);
  matrix rest(offered, offered);
  if (old > 0) {
    for (int a = 0; a < offered; ++a) {
      for (int i = 0; i < old; ++i) z(a, i) = product_of_differences(points[a], points_[i + 1]);
    }
    solve_lower(factor_, transpose::no, z);
    gram(1, z, rest);
  }
  const double base_square = gram_(points_.front(), points_.front());
  std::vector<int> admitted;  // of 0 … offered − 1
  for (int a = 0; a < offered; ++a) {
    const int columns = old + static_cast<int>(admitted.size());
    double* row = &factor_(columns, 0);
    std::copy_n(z.data() + static_cast<std::size_t>(a) * static_cast<std::size_t>(old), old, row);
    double pivot = product_of_differences(points[a], points[a]) - rest(a, a);
    for (int c = old; c < columns; ++c) {
      const int other = admitted[c - old];
      const double* above = &factor_(c, 0);
      double value = product_of_differences(points[a], points[other]) - rest(a, other);
      for (int i = old; i < c; ++i) value -= row[i] * above[i];
      row[c] = value / above[c];
      pivot -= row[c] * row[c];
    }
    const double scale = gram_(points[a], points[a]) + base_square;
    if (which == admission::independent && pivot < independent_pivot * scale) continue;
    row[columns] = std::sqrt(std::max({least_pivot * scale, std::numeric_limits<double>::min(), pivot}));
    admitted.push_back(a);
    points_.push_back(points[a]);
  }
}

void corral::remove(std::span<const int> positions) {
  expects(positions.size() < points_.size(), "corral: {} of {} points cannot all go", positions.size(), points_.size());
  if (positions.empty()) return;
  if (positions.front() > 0 && positions.size() <= few_removals) {
    for (auto position = positions.rbegin(); position != positions.rend(); ++position) {
      remove_row(*position - 1);
      points_.erase(points_.begin() + *position);
    }
    return;
  }
  std::vector<int> kept;
  for (int i = 0; i < static_cast<int>(points_.size()); ++i) {
    if (!std::binary_search(positions.begin(), positions.end(), i)) kept.push_back(points_[i]);
  }
  rebuild(std::move(kept));
}

// Rows below move up by one; rotations of neighbouring columns make them triangular again.
void corral::remove_row(int removed) {
  std::vector<std::pair<double, double>> rotations;  // (cosine, sine) of columns (removed + r, removed + r + 1)
  for (int to = removed; to + 1 < rows(); ++to) {
    double* row = &factor_(to, 0);
    std::copy_n(&factor_(to + 1, 0), to + 2, row);
    double carried = row[removed];
    for (std::size_t r = 0; r < rotations.size(); ++r) {
      const auto [cosine, sine] = rotations[r];
      double* pair = row + removed + r;
      const double next = pair[1];
      pair[0] = cosine * carried + sine * next;
      carried = cosine * next - sine * carried;
    }
    const double diagonal = std::hypot(carried, row[to + 1]);
    rotations.emplace_back(carried / diagonal, row[to + 1] / diagonal);
    row[to] = diagonal;
  }
}

// The base is the smallest of the points, so that differences from it lose nothing.
void corral::rebuild(std::vector<int> points) {
  const auto base =
      std::min_element(points.begin(), points.end(), [&](int i, int j) { return gram_(i, i) < gram_(j, j); });
  std::iter_swap(points.begin(), base);
  points_.assign(1, points.front());
  append(std::span(points).subspan(1), admission::all);
}

// N p = −(g − g_b) for all but the base, whose p makes the sum vanish.
std::vector<double> corral::newton_step(std::span<const double> gradient) const {
  expects(gradient.size() == points_.size(), "corral: {} points, gradient of {}", points_.size(), gradient.size());
  std::vector<double> step(points_.size());
  if (rows() == 0) return step;
  matrix p(1, rows());
  for (int i = 0; i < rows(); ++i) p(0, i) = gradient[0] - gradient[i + 1];
  solve_lower(factor_, transpose::no, p);
  solve_lower(factor_, transpose::yes, p);
  std::copy(p.values().begin(), p.values().end(), step.begin() + 1);
  step.front() = -std::accumulate(step.begin() + 1, step.end(), 0.0);
  return step;
}

}  // namespace cotscale
