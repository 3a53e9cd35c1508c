// Task selection by the error itself: the mixture whose trained model is best on the target at given (n, m, k).
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>
#include <vector>

#include "cotscale/task/covariance.hpp"

namespace cotscale {

/// log F and its slopes at given probabilities.
struct exact_value {
  double log_objective = 0;  ///< ln F; ±inf where F is 0 or not finite even so
  std::vector<double> gradient;  ///< ∂ ln F/∂π_ℓ (T), 0 where ln F is not finite; Σ_ℓ π_ℓ ∂_ℓ = 0: F knows ratios only
  std::vector<char> reachable;  ///< (T) whether Λ_ℓ has only directions that the mixture has: else F jumps as π_ℓ
                                ///< leaves 0, and the slope, which keeps the support as it is, says nothing of that
};

/// F(π) = mean over draws Ŝ of ‖(I − A_π Ŝ)^k‖_F², with A_π = M S⁺, M = Σ_ℓ π_ℓ Λ_ℓ and S = Σ_ℓ π_ℓ Λ_ℓ Γ_ℓ at n
/// examples a training prompt: the error after k steps of the model that training on the mixture reaches. Eigenvalues
/// of S below 4dε of its largest count as zero.
class exact_problem {
 public:
  /// T candidates of dimension d; draws (d, d) of the target's sample covariance, or Σ itself, once, for m = ∞; n ≥ 1,
  /// k ≥ 0. Both spans are kept. Throws specification_error if there is no candidate or dimensions differ.
  exact_problem(std::span<const covariance> candidates, std::span<const matrix> sample_covariances, int n, int k);

  int count() const { return static_cast<int>(candidates_.size()); }

  /// F, +inf where it is beyond double precision's range. Any π ≥ 0 that is not zero; only ratios matter.
  double objective(std::span<const double> probabilities) const;

  /// ln F, which seldom overflows.
  double log_objective(std::span<const double> probabilities) const;

  /// ln F and its gradient; both finite as long as F^(1/2k) is. Draws run in parallel_for; no bit depends on threads.
  exact_value evaluate(std::span<const double> probabilities) const;

 private:
  struct preconditioner;
  struct draw_value;
  preconditioner make_preconditioner(std::span<const double> probabilities) const;
  std::vector<draw_value> evaluate_draws(const matrix& a, bool with_gradient) const;
  double log_objective_of(std::span<const draw_value> draws) const;
  std::vector<char> reachable(const preconditioner& p) const;

  std::span<const covariance> candidates_;
  std::span<const matrix> draws_;
  std::vector<matrix> seconds_;  // Λ_ℓ Γ_ℓ
  int k_;
};

struct exact_options {
  int iterations = 60;        ///< of each start at most
  int last_iterations = 240;  ///< further ones, of the best of them
  double tolerance = 1e-6;    ///< a descent ends when ln F falls by less than this in five iterations
};

struct exact_solution {
  std::vector<double> probabilities;  ///< π (T)
  double objective = 0;               ///< F(π)
  std::size_t start = 0;              ///< index of the start that led there
  int iterations = 0;                 ///< accepted steps, over all starts
  double stationarity = 0;  ///< max_ℓ −∂ ln F/∂π_ℓ over reachable ℓ: the slope of ln F towards the best task
};

/// A point near a local minimum of F, no worse than F at any of the starts (each π ≥ 0, Σ π = 1). From every start, in
/// the order of F there, and at last from the best point found: projected gradient with Barzilai-Borwein steps and an
/// Armijo line search on ln F (Birgin, Martínez, Raydan, SIAM J. Optim. 10, 2000, in its monotone form), so that every
/// accepted step lowers F as it is, pseudo-inverse and all. A start is not descended from if ln F is not finite there,
/// and is given up when, at the pace of its last five iterations, it would not reach the best so far. Candidates that
/// are not reachable stay at 0. A descent ends early where no step of its direction lowers F. Throws stopped.
exact_solution select_exact(const exact_problem& problem, std::span<const std::vector<double>> starts,
                            const exact_options& options, const std::stop_token& stop);

}  // namespace cotscale
