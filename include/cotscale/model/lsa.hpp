// Linear self-attention (arXiv 2510.03605, section 2): its definition, and the recursion that it amounts to on the
// slice of Theorem 3.1.
#pragma once

#include <span>

#include "cotscale/task/wishart.hpp"

namespace cotscale {

/// All parameters: f(E) = E + V E (Eᵀ W E)/ρ, V and W of shape (2d+2, 2d+2). Rows of E: features (d), label, weight
/// slot (d), flag.
struct lsa_parameters {
  matrix v;
  matrix w;
  int dimension() const { return (v.rows() - 2) / 2; }
};

/// The slice on which training moves: every block zero but V₃₁, W₁₃ = c·I and W₂₄ = −c.
struct lsa_slice {
  double c = 1;  ///< not zero
  matrix v31;    ///< (d, d); the paper's initialisation is 0
};

lsa_parameters full_parameters(const lsa_slice& slice);

/// The same model of features in other units: what it does to x/2^(e/2), y/2^(e/2) is what `parameters` do to x and y.
/// With D = 2^(e/2) on the rows of features and labels, 1 on the others: D⁻¹VD and DWD. e is even.
lsa_parameters in_units(const lsa_parameters& parameters, int exponent);

/// A = −c V₃₁, (d, d): a trained slice steps by w ← w − A Ŝ (w − w*). Proposition 3.2.
matrix preconditioner(const lsa_slice& slice);

/// E of a prompt, (2d+2, m+1), from x (d, m) and y (m): examples in the first columns; in the last the estimate w₀ = 0
/// and the flag 1.
matrix embedding(const matrix& x, std::span<const double> y);

/// One application of f by its definition to E (2d+2, t), with ρ > 0.
matrix attend(const lsa_parameters& parameters, const matrix& e, double rho);

/// Chain of thought by the definition, with ρ = m: appends the last column of f(E) to E and applies f again.
/// Returns the estimates w_0 … w_steps, (steps+1, d). Needs O(steps · d · (m + steps) · d) operations.
matrix roll_out_definition(const lsa_parameters& parameters, const matrix& x, std::span<const double> y, int steps);

}  // namespace cotscale
