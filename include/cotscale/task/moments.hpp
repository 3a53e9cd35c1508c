// Moments of the sample covariance of a training prompt: all that population training needs to know of a task.
#pragma once

#include <optional>
#include <vector>

#include "cotscale/task/mixture.hpp"

namespace cotscale {

/// The eigenbasis (d, d) that both moments of a single task share, and their eigenvalues, free of the rounding of the
/// matrices: however small an eigenvalue is, it is known to the last bits.
struct moment_spectrum {
  matrix basis;
  std::vector<double> mean;    ///< λ
  std::vector<double> second;  ///< λ γ(λ)
};

/// Of Ŝ = XXᵀ/n with n examples x ~ N(0, Λ).
struct prompt_moments {
  matrix mean;                                ///< E[Ŝ] = Λ, (d, d)
  matrix second;                              ///< E[Ŝ²] = ΛΓ = (1 + 1/n) Λ² + (tr Λ/n) Λ, (d, d)
  std::optional<moment_spectrum> spectrum{};  ///< of a single task; those of several need not commute
};

/// γ(λ) = (1 + 1/n) λ + tr(Λ)/n: the eigenvalue of Γ (Theorem 3.1) that belongs to the eigenvalue λ of Λ.
inline double gamma_eigenvalue(double lambda, double trace, double n) { return (1 + 1 / n) * lambda + trace / n; }

/// The same when every prompt draws its task: Σ_ℓ π_ℓ Λ_ℓ and Σ_ℓ π_ℓ Λ_ℓ Γ_ℓ. n ≥ 1.
prompt_moments moments(const task_mixture& tasks, int n);

/// n ≥ 1. Source: arXiv 2510.03605, proof of Theorem 3.1 (Gaussian fourth moments).
prompt_moments moments(const covariance& lambda, int n);

/// A* = E[Ŝ] E[Ŝ²]⁺, (d, d), the best preconditioner on average over training prompts, zero where they have no
/// direction; in general not symmetric. From the spectrum where it is a single task's, so that no direction is too weak
/// to be inverted. n ≥ 1.
matrix optimal_preconditioner(const task_mixture& tasks, int n);
matrix optimal_preconditioner(const covariance& lambda, int n);

}  // namespace cotscale
