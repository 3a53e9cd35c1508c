// What is known exactly, or in a limit, about trained linear self-attention (arXiv 2510.03605, "the paper"; 2603.01293,
// "PP").
#pragma once

#include <stop_token>
#include <vector>

#include "cotscale/task/mixture.hpp"

namespace cotscale {

/// Γ = (1 + 1/n) Λ + (tr(Λ)/n) I, shape (d, d). Theorem 3.1.
matrix gamma(const covariance& lambda, int n);

/// Γ with A* = Γ⁻¹ for any features and noise, (d, d): (1 + (a − 1)/n) Λ + ((b tr Λ + σ²)/n) I where F = aΛ² + b tr(Λ)
/// Λ, and (E[Ŝ²] + (σ²/n) Λ) Λ⁺, in general not symmetric, where F has directions of its own.
matrix gamma(const prompt_distribution& task, int n);

/// The preconditioner that training from zero reaches, (d, d): Γ⁻¹ on the support of Λ, 0 on its null space, where V₃₁
/// gets no gradient. Theorem 3.1 and Proposition 3.2.
matrix trained_preconditioner(const prompt_distribution& task, int n);

/// The same for a mixture: Γ_π⁻¹ = (Σ_ℓ π_ℓ Λ_ℓ) (Σ_ℓ π_ℓ Λ_ℓ Γ_ℓ)⁺, (d, d); in general not symmetric.
matrix trained_preconditioner(const task_mixture& tasks, int n);

/// E‖w_1 − w‖² = ‖I − AΣ‖_F² + (tr(AFAᵀ) − tr(AΣ²Aᵀ) + σ² tr(AΣAᵀ))/m: one step with preconditioner A on m test
/// examples, F = E[‖x‖² x xᵀ]; of Gaussian features without noise ‖I − AΣ‖_F² + (tr(AΣ²Aᵀ) + tr(AΣAᵀ) tr Σ)/m (PP,
/// Lemma A.1). Of the weights only E[w wᵀ] = I counts.
double one_step_error(const matrix& preconditioner, const prompt_distribution& test, int m);

/// ‖(I − AΣ)^k‖_F² for k = 0 … steps: the limit of E‖w_k − w‖² for m → ∞, where noise and
/// features other than Gaussian make no difference. Proposition 3.2. Throws stopped when asked to
/// stop.
std::vector<double> limit_errors(const matrix& preconditioner, const covariance& sigma, int steps,
                                 const std::stop_token& stop = {});

/// d (1 + n/(1 + Hard(Λ)))^(−2k) for k = 0 … steps: bounds limit_errors when the target is the training covariance.
/// Corollary 3.5: of Gaussian features without noise only (prompt_distribution::is_plain).
std::vector<double> matched_bounds(int d, int n, double hardness, int steps);

}  // namespace cotscale
