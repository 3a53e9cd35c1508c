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
  std::vector<double> second;  ///< λ γ(λ), noise included
};

/// Of Ŝ = XXᵀ/n and Xy/n with n examples. (science: beyond Gaussian, noise-free prompts)
struct prompt_moments {
  matrix mean;  ///< E[Ŝ] = Λ, (d, d)
  /// E[(Xy/n)(Xy/n)ᵀ] = E[Ŝ²] + (σ²/n) Λ, (d, d), with E[Ŝ²] = (1 − 1/n) Λ² + F/n; ΛΓ = (1 + 1/n) Λ² + (tr Λ/n) Λ of
  /// Gaussian features without noise
  matrix second;
  /// of a single task whose moments have Λ's basis; those of several, and those of rows, need not commute
  std::optional<moment_spectrum> spectrum{};
  int copies = 1;  ///< covariance::copies; of more than one both moments are (1, 1)
};

/// γ(λ) = (1 + (a − 1)/n) λ + (b tr(Λ) + σ²)/n for F = aΛ² + b tr(Λ) Λ: λγ(λ) is the eigenvalue of E[Ŝ²] + (σ²/n) Λ
/// that belongs to λ, and Γ of Theorem 3.1 is the case a = 2, b = 1, σ² = 0.
inline double gamma_eigenvalue(double lambda, double trace, double n, const fourth_moment_shape& f, double noise) {
  return (1 + (f.square - 1) / n) * lambda + (f.trace * trace + noise) / n;
}

/// γ(λ) = (1 + 1/n) λ + tr(Λ)/n: the eigenvalue of Γ (Theorem 3.1) that belongs to the eigenvalue λ of Λ.
inline double gamma_eigenvalue(double lambda, double trace, double n) { return (1 + 1 / n) * lambda + trace / n; }

/// The same when every prompt draws its task: Σ_ℓ π_ℓ Λ_ℓ and Σ_ℓ π_ℓ Λ_ℓ Γ_ℓ. n ≥ 1.
prompt_moments moments(const task_mixture& tasks, int n);

/// n ≥ 1. Source: arXiv 2510.03605, proof of Theorem 3.1 (Gaussian fourth moments). Of weights only E[w wᵀ] = I counts.
prompt_moments moments(const prompt_distribution& task, int n);

/// A* = E[Ŝ] (E[Ŝ²] + (σ²/n) Λ)⁺, (d, d), the best preconditioner on average over training prompts, zero where they
/// have no direction; in general not symmetric. From the spectrum where it is a single task's, so that no direction is
/// too weak to be inverted. n ≥ 1.
matrix optimal_preconditioner(const task_mixture& tasks, int n);
matrix optimal_preconditioner(const prompt_distribution& task, int n);

}  // namespace cotscale
