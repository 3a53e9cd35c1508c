// Spectra of feature covariances, and how hard they are (arXiv 2510.03605, section 3).
#pragma once

#include <span>
#include <vector>

namespace cotscale {

/// λ_j = j^(−exponent), j = 1 … d.
std::vector<double> power_law_spectrum(int d, double exponent);

/// The same spectrum, multiplied so that its sum is `trace`. The sum must be positive.
std::vector<double> scaled_to_trace(std::vector<double> eigenvalues, double trace);

/// The exponent a ≥ 0 for which the power law of dimension d has the given hardness: Σ_j (d/j)^a = hardness, by
/// bisection to the last bit. Throws specification_error if hardness < d, or if d = 1 and hardness ≠ 1.
double power_law_exponent(int d, double hardness);

/// Hard(Λ) = tr(Λ)/λ_min(Λ) ≥ d; +inf if an eigenvalue is zero.
double hardness(std::span<const double> eigenvalues);

/// tr(Λ)/λ_min⁺(Λ), over the non-zero eigenvalues.
double support_hardness(std::span<const double> eigenvalues);

}  // namespace cotscale
