// The points that carry weight in Wolfe's algorithm, and the factorisation that steps among them need.
#pragma once

#include <span>
#include <vector>

#include "cotscale/linalg/matrix.hpp"

namespace cotscale {

/// A subset W of points P_ℓ, known by their Gram matrix H, with the Cholesky factor L of N_ij = ⟨P_i − P_b, P_j − P_b⟩
/// over i, j ∈ W without the base point b. A point that is within rounding of the affine hull of those before it gets
/// a small positive pivot: steps towards it then end where a weight vanishes, which exchanges it for another.
class corral {
 public:
  /// One point. `gram` (T, T) is kept by reference.
  corral(const matrix& gram, int point);

  /// Indices of the points, the base first.
  std::span<const int> points() const { return points_; }

  /// Appends those points, none of which is in it, that are affinely independent of it and of those before them:
  /// O(|W|²) each; if none is, the first alone.
  void add(std::span<const int> points);

  /// Removes the points in these positions of points(), ascending and not all: O(|W|²) each, or a new factorisation
  /// when the base goes or many do.
  void remove(std::span<const int> positions);

  /// The p, one value a point and of sum 0, that minimises gᵀp + ½ pᵀHp; `gradient` has g for each of the points.
  std::vector<double> newton_step(std::span<const double> gradient) const;

 private:
  enum class admission { independent, all };
  void append(std::span<const int> points, admission which);
  void append_block(std::span<const int> points, admission which);
  void remove_row(int row);
  void rebuild(std::vector<int> points);
  void reserve(int rows);
  int rows() const { return static_cast<int>(points_.size()) - 1; }
  double product_of_differences(int i, int j) const;

  const matrix& gram_;
  std::vector<int> points_;
  matrix factor_;  // L in the lower triangle of its first rows() rows
};

}  // namespace cotscale
