// Prompts of isotropic tasks, drawn without their dimension. A chain whose every step is a multiple of Ŝ sees of a
// Gaussian X (d, m) and of w only the first rows of X's bidiagonal form started at w/‖w‖ (Golub and Kahan 1965), whose
// entries are independent (Dumitriu and Edelman 2002).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/linalg/lanes.hpp"
#include "cotscale/linalg/matrix.hpp"

namespace cotscale {

/// Eight prompts side by side in the basis of their Krylov spaces: w = ‖w‖ e₁ and Ŝ = B Bᵀ, B lower bidiagonal,
/// (d, min(d, m)), of which the first columns are held.
struct bidiagonal_lanes {
  int dimension = 0;                             ///< d; 0: nothing is held
  int examples = 0;                              ///< m
  matrix diagonal;                               ///< B_jj, (columns, 8)
  matrix below;                                  ///< B_{j+1,j}, (columns, 8); 0 in row d − 1
  std::array<double, lane_count> norm_square{};  ///< ‖w‖²
  /// With m < d, the null space of Bᵀ continues behind the columns that are held: relative to the square of its
  /// vector's last component that they determine, this is the square of all that follow. Else, and if all are held, 0.
  std::array<double, lane_count> null_tail{};

  int columns() const { return diagonal.rows(); }
  /// Whether B has no further columns, so that chains may have any length.
  bool is_complete() const { return columns() >= (dimension < examples ? dimension : examples); }
};

/// x_i ~ N(0, s I_d), w ~ N(0, I_d): ‖w‖² ~ χ²_d, and √(s/m) times χ_m, χ_{m−1}, … on the diagonal, χ_{d−1}, χ_{d−2}, …
/// below it. Block b is a function of (key, b, the number of columns) only.
class bidiagonal_source {
 public:
  /// d, m ≥ 1, s > 0, steps ≥ 0: columns for chains of so many steps, or all if there are fewer.
  bidiagonal_source(int d, int m, double scale, int steps, stream_key key);

  int dimension() const { return d_; }
  int examples() const { return m_; }

  /// Overwrites `out`, reusing its memory.
  void draw(std::uint64_t block, bidiagonal_lanes& out) const;
  /// The same prompts with more columns, `count` in all, or as many as there are; and the tail of the null space.
  void draw_longer(std::uint64_t block, int count, bidiagonal_lanes& out) const;

 private:
  void fill(std::uint64_t substream, int first, bool with_norm, bidiagonal_lanes& out) const;

  int d_, m_, steps_;
  double unit_;  ///< √(s/m)
  stream_key key_;
};

}  // namespace cotscale
