// Gradient descent on the population loss after any number of steps, without taking them one by one.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cotscale/task/moments.hpp"

namespace cotscale {

/// With A = −c V₃₁, M = E[Ŝ] and S = E[Ŝ²] = U diag(s) Uᵀ a step is A ← A R + η c² M with R = I − η c² S, the same
/// linear map every time. From A = 0, so after t steps A = M U diag((1 − ρ_jᵗ)/s_j) Uᵀ with ρ_j = 1 − η c² s_j: the
/// iterates of the plain loop (tests/reference/descent.hpp), each for the price of one. Directions with s_j = 0 are
/// never touched, since M u_j = 0 there.
class descent_path {
 public:
  /// c ≠ 0. Of a single task S is taken from its spectrum, else decomposed, and eigenvalues below
  /// 4 d ε of the largest count as zero.
  descent_path(const prompt_moments& moments, double c);

  /// Sets η and returns it; by default 1/(c² ‖S‖), the largest for which every direction converges monotonically.
  double set_step_size(std::optional<double> step_size);

  /// Whether η c² ‖S‖ > 2 (up to rounding): the error of a direction then grows with every step.
  bool grows() const;

  /// After t steps: the preconditioner A (d, d); the population loss; ‖∇L‖_F relative to that of the first step.
  matrix preconditioner(std::int64_t t) const;
  double loss(std::int64_t t) const;
  double gradient_norm(std::int64_t t) const;

  /// A* = M S⁺ (d, d), where it ends if it converges.
  matrix optimum() const;

  /// Whether weights and gradient are finite with room to spare: below 1e300.
  bool finite(std::int64_t t) const;

  /// Relative error of the weakest direction after t steps, 1 at the start: max |ρ_jᵗ| of a single task, whose maps
  /// commute; else max over i of ‖(A − A*) q_i‖/‖A* q_i‖, q_i the right singular vectors of the optimum A* = M S⁺.
  double direction_error(std::int64_t t) const;

  /// The same of any A (d, d), by its residual A S − M, which sees what rounding has done to an ill-conditioned
  /// inverse.
  double residual_error(const matrix& a) const;

 private:
  // ρ_jᵗ and 1 − ρ_jᵗ of the touched directions; 0 for the others.
  double power(std::size_t j, double t) const;
  double complement(std::size_t j, double t) const;
  double largest_ratio(const matrix& gaps) const;

  matrix mean_, second_;
  matrix basis_;                // U
  std::vector<double> values_;  // s, 0 where nothing is touched
  matrix image_;                // M U
  std::vector<double> norms_;   // ‖M u_j‖
  std::vector<double> rates_;   // η c² s
  matrix overlap_;              // Uᵀ Q; empty for a single task, where Q = U
  std::vector<double> gains_;   // ‖A* q_i‖
  double c_;
  int copies_;
};

}  // namespace cotscale
