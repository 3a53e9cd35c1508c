// Chains on isotropic prompts whose every step is a multiple of Ŝ, and what least squares and ridge make of the same.
#pragma once

#include "cotscale/task/bidiagonal.hpp"

namespace cotscale {

/// Chain of thought of a I on eight prompts: ‖w_k − w‖² = ‖w‖² ‖(I − aŜ)^k e₁‖² into row k of errors (steps + 1, 8), in
/// O(steps²) operations: row k has k + 1 components. No more steps than columns are held, unless all are.
void bidiagonal_chain(double a, const bidiagonal_lanes& prompts, matrix& errors);

/// ‖w − ŵ‖² of least squares of minimum norm into errors (8): 0 for m ≥ d; else ‖w‖² over the square of the null
/// vector of Bᵀ that begins with 1. Exact in distribution, given the columns that are held.
void bidiagonal_least_squares(const bidiagonal_lanes& prompts, double* errors);

/// ‖w − ŵ‖² of ridge, ŵ = (Ŝ + pI)⁻¹ Ŝw, p > 0, into errors (8): what the columns that are held say (ridge_columns).
void bidiagonal_ridge(double p, const bidiagonal_lanes& prompts, double* errors);

/// How many columns decide ridge's errors to ten digits, for penalties from p, in units of Σ's eigenvalue, on: the
/// resolvent's components fall off as the residual of conjugate gradients does, by the edges of the Marchenko-Pastur
/// law. At most min(d, m).
int ridge_columns(int d, int m, double p);

}  // namespace cotscale
