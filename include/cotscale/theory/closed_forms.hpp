// What is known exactly, or in a limit, about trained linear self-attention (arXiv 2510.03605, "the paper"; 2603.01293,
// "PP").
#pragma once

#include <stop_token>
#include <vector>

#include "cotscale/task/mixture.hpp"

namespace cotscale {

/// Γ = (1 + 1/n) Λ + (tr(Λ)/n) I, shape (d, d). Theorem 3.1.
matrix gamma(const covariance& lambda, int n);

/// The preconditioner that training from zero reaches, (d, d): Γ⁻¹ on the support of Λ, 0 on its null space, where V₃₁
/// gets no gradient. Theorem 3.1 and Proposition 3.2.
matrix trained_preconditioner(const covariance& lambda, int n);

/// The same for a mixture: Γ_π⁻¹ = (Σ_ℓ π_ℓ Λ_ℓ) (Σ_ℓ π_ℓ Λ_ℓ Γ_ℓ)⁺, (d, d); in general not symmetric.
matrix trained_preconditioner(const task_mixture& tasks, int n);

/// E‖w_1 − w‖² = ‖I − AΣ‖_F² + (tr(AΣ²Aᵀ) + tr(AΣAᵀ) tr Σ)/m: one step with preconditioner A on m test examples. PP,
/// Lemma A.1.
double one_step_error(const matrix& preconditioner, const covariance& sigma, int m);

/// ‖(I − AΣ)^k‖_F² for k = 0 … steps: the limit of E‖w_k − w‖² for m → ∞. Proposition 3.2. Throws stopped when asked to
/// stop.
std::vector<double> limit_errors(const matrix& preconditioner, const covariance& sigma, int steps,
                                 const std::stop_token& stop = {});

/// d (1 + n/(1 + Hard(Λ)))^(−2k) for k = 0 … steps: bounds limit_errors when the target is the training covariance.
/// Corollary 3.5.
std::vector<double> matched_bounds(int d, int n, double hardness, int steps);

}  // namespace cotscale
