// Task selection by the quadratic programme of arXiv 2510.03605, section 4 ("the paper").
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "cotscale/task/covariance.hpp"

namespace cotscale {

struct quadratic_solution {
  std::vector<double> probabilities;  ///< π (T), ≥ 0, of sum 1 to rounding
  double objective = 0;               ///< ‖I − Σ⁻¹ Σ_ℓ π_ℓ Λ_ℓ‖_F²
  double kkt_residual = 0;            ///< how far π is from optimal, relative; see select_quadratic
  int iterations = 0;                 ///< changes of the active set and steps on it
};

/// Throws specification_error if Σ is singular, or that ill-conditioned that Σ⁻¹ has no correct digit.
void require_invertible(const covariance& target);

/// ‖I − Σ⁻¹ Σ_ℓ π_ℓ Λ_ℓ‖_F², evaluated from that matrix. Throws like select_quadratic.
double quadratic_objective(std::span<const covariance> candidates, const covariance& target,
                           std::span<const double> probabilities);

/// min_π ‖I − Σ⁻¹ Σ_ℓ π_ℓ Λ_ℓ‖_F² subject to π ≥ 0, Σ π_ℓ = 1, for T candidates Λ_ℓ of dimension d; they may be
/// singular, equal to each other and of any scale. By an active set method (Wolfe's for the nearest point of a
/// polytope, Math. Programming 11, 1976, with points that enter and leave in blocks), which ends at the optimum up to
/// rounding.
///
/// The residual: write P_ℓ = Σ⁻¹Λ_ℓ, P = Σ π_ℓ P_ℓ, R = P − I; half the gradient is g_ℓ = ⟨P_ℓ, R⟩, the difference of
/// ⟨P_ℓ, P⟩ and tr P_ℓ, and the multiplier μ = Σ π_ℓ g_ℓ. The residual is the largest of
///   stationarity     max_ℓ (μ − g_ℓ)/s_ℓ,
///   complementarity  max |g_ℓ − μ|/s_ℓ over π_ℓ > 0,
///   feasibility      |Σ π_ℓ − 1|, max −π_ℓ,
/// with s_ℓ = (‖P_ℓ‖_F + ‖P‖_F)(‖P‖_F + √d), the scale of what cancels in g_ℓ − μ; g comes from the matrices
/// themselves.
///
/// Memory: T d² + 1.5 T² numbers at most. Throws specification_error if there are no candidates, if dimensions differ,
/// and if Σ is singular (or that ill-conditioned that Σ⁻¹ has no correct digit); numerical_error if values overflow;
/// stopped when asked to stop.
quadratic_solution select_quadratic(std::span<const covariance> candidates, const covariance& target,
                                    const std::stop_token& stop);

}  // namespace cotscale
