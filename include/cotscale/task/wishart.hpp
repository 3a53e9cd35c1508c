// Prompts drawn without their examples: linear self-attention sees them only through Ŝ = XXᵀ/m, Xy/m and yᵀy/m, and of
// Gaussian features m·Ŝ is Wishart.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/linalg/lanes.hpp"
#include "cotscale/task/bidiagonal.hpp"
#include "cotscale/task/mixture.hpp"

namespace cotscale {

/// Eight prompts side by side: Ŝ = L Lᵀ/m, the hidden weights, and what the noise ε of labels adds: Xy/m = Ŝw + Xε/m,
/// yᵀy/m = wᵀŜw + 2wᵀXε/m + εᵀε/m. Those of isotropic tasks may be held in bidiagonal form instead: then L and w are
/// not.
struct prompt_lanes {
  int m = 0;
  trapezoid_lanes factor;                         ///< L, (d, min(d, m))
  matrix w;                                       ///< (d, 8)
  matrix noise{};                                 ///< Xε/m, (d, 8); empty where labels have none
  std::array<double, lane_count> noise_square{};  ///< εᵀε/m

  bidiagonal_lanes bidiagonal{};

  bool has_noise() const { return noise.size() != 0; }
  bool is_bidiagonal() const { return bidiagonal.dimension > 0; }
};

/// y = Ŝ x in each lane; x and y (d, 8) may be the same, `scratch` is overwritten.
inline void multiply_covariance(const prompt_lanes& p, const matrix& x, matrix& scratch, matrix& y) {
  gram_multiply(1.0 / p.m, p.factor, x, scratch, y);
}

/// Draws prompts of m examples, x_i ~ N(0, Λ_ℓ) with one task ℓ of the mixture a prompt. Exact for
/// every m, m < d included, where Ŝ is singular: L = F T with F Fᵀ = Λ and T lower trapezoidal, T_ij normal below and
/// T_jj ~ χ(m − j) on the diagonal, j = 0 … (Bartlett 1933). Of the noise,
/// ε/σ has r = min(d, m) normal coordinates z in the row space of T and m − r others: Xε = σ L z, εᵀε = σ² (‖z‖² +
/// χ²_{m−r}), where it counts nothing that L may have less than r independent columns. Prompt i, lane i % 8 of block i
/// / 8, is a function of (key, i) only.
class wishart_source {
 public:
  /// m ≥ 1; features must be Gaussian.
  wishart_source(const task_mixture& tasks, int m, stream_key key);

  int dimension() const { return d_; }
  int examples() const { return m_; }

  /// Overwrites `out`, reusing its memory.
  void draw(std::uint64_t block, prompt_lanes& out) const;

 private:
  struct task_factor {
    bool diagonal = false;
    matrix values;  ///< F, lower triangular (d, d); its diagonal (d, 1) if it is diagonal
  };
  void multiply_factor(const std::vector<std::size_t>& tasks, trapezoid_lanes& t) const;
  std::vector<std::size_t> draw_tasks(std::uint64_t block) const;
  void shape_weights(std::uint64_t block, const std::vector<std::size_t>& tasks, matrix& w) const;
  void draw_noise(std::uint64_t block, const std::vector<std::size_t>& tasks, prompt_lanes& out) const;

  int d_;
  int m_;
  stream_key key_;
  std::vector<task_factor> factors_;
  std::vector<double> cumulative_;                // of the probabilities
  std::vector<double> degrees_;                   // of the diagonal of T, eight times each
  std::vector<double> deviations_;                // σ of each task
  bool noisy_ = false, gaussian_weights_ = true;  // of all tasks
  std::vector<std::shared_ptr<const weight_prior>> weights_;
};

/// Sample covariances Ŝ of prompts 0 … count − 1, (d, d) each, m ≥ 1 examples.
std::vector<matrix> sample_covariances(const covariance& sigma, int m, int count, stream_key key);

}  // namespace cotscale
