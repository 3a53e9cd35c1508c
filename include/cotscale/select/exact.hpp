// Task selection by the error itself: the mixture whose trained model is best on the target at given (n, m, k).
#pragma once

#include <cstddef>
#include <memory>
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
  double condition = 1;  ///< largest over least eigenvalue of S that counts: how long training on the mixture takes
};

/// F(π) = mean over draws Ŝ of ‖(I − A_π Ŝ)^k‖_F², with A_π = M S⁺, M = Σ_ℓ π_ℓ Λ_ℓ and S = Σ_ℓ π_ℓ Λ_ℓ Γ_ℓ at n
/// examples a training prompt: the error after k steps of the model that training on the mixture reaches. Eigenvalues
/// of S below 4dε of its largest count as zero.
class exact_problem {
 public:
  /// T candidates of dimension d; draws (d, d) of the target's sample covariance, or Σ itself, once, for m = ∞; n ≥ 1,
  /// k ≥ 0. Both spans are kept. Throws specification_error if there is no candidate or dimensions differ.
  exact_problem(std::span<const covariance> candidates, std::span<const matrix> sample_covariances, int n, int k);

  /// The expectation over Ŝ of m examples at k = 1, without a draw: ‖I − AΣ‖_F² + (tr(AΣ²Aᵀ) + tr(AΣAᵀ) tr Σ)/m
  /// (arXiv 2603.01293, Lemma A.1). `sigma` is kept.
  static exact_problem of_one_step(std::span<const covariance> candidates, const matrix& sigma, double m, int n);

  /// The same problem on other draws, which are kept.
  exact_problem on(std::span<const matrix> sample_covariances) const;

  int count() const { return static_cast<int>(candidates_.size()); }

  /// F, +inf where it is beyond double precision's range. Any π ≥ 0 that is not zero; only ratios matter.
  double objective(std::span<const double> probabilities) const;

  /// ln F, which seldom overflows.
  double log_objective(std::span<const double> probabilities) const;

  /// Largest over least eigenvalue of S that counts.
  double condition(std::span<const double> probabilities) const;

  /// ln ‖(I − A_π Ŝ)^k‖_F² of every draw.
  std::vector<double> log_errors(std::span<const double> probabilities) const;

  /// ln F and its gradient; both finite as long as F^(1/2k) is. Draws run in parallel_for; no bit depends on threads.
  exact_value evaluate(std::span<const double> probabilities) const;

 private:
  struct preconditioner;
  struct draws_value;
  preconditioner make_preconditioner(std::span<const double> probabilities) const;
  draws_value evaluate_draws(const matrix& a, bool with_gradient) const;
  double log_objective_of(const draws_value& draws, const matrix& a) const;
  std::vector<char> reachable(const preconditioner& p) const;

  std::span<const covariance> candidates_;
  std::span<const matrix> draws_;
  std::shared_ptr<const std::vector<matrix>> seconds_;  // Λ_ℓ Γ_ℓ
  int k_;
  matrix spread_;  // V of a further term tr(A V Aᵀ) of F; empty where there is none
};

/// max_ℓ −∂ ln F/∂π_ℓ over reachable ℓ: the slope of ln F towards the best task. Where ln F is convex, F is at most
/// this fraction above its minimum.
double stationarity_of(const exact_value& value);

struct exact_options {
  int iterations = 30;        ///< of each start at most
  int last_iterations = 400;  ///< further ones, of the best of them
  double tolerance = 1e-4;  ///< a descent ends when it is this stationary, or as far as largest_stationarity where S is
                            ///< conditioned a hundred times worse than for the uniform mixture: F may tend to its
                            ///< infimum as weights vanish that training then takes ever longer to learn from
};

/// Beyond this slope a solution does not count as stationary.
inline constexpr double largest_stationarity = 1e-3;

struct exact_solution {
  std::vector<double> probabilities;  ///< π (T)
  double objective = 0;               ///< F(π)
  double log_objective = 0;           ///< ln F(π)
  std::size_t start = 0;              ///< index of the start that led there
  int iterations = 0;                 ///< accepted steps, over all starts
  double stationarity = 0;            ///< of π, see stationarity_of()
  matrix curvature;                   ///< approximate Hessian of ln F (T, T), from which a further descent can go on
};

/// A point near a local minimum of F, no worse than F at any of the starts (each π ≥ 0, Σ π = 1). From every start, in
/// the order of F there, and at last from the best point found: sequential quadratic programming on ln F, whose model
/// of the Hessian is learned by damped BFGS updates (Powell, Lecture Notes in Mathematics 630, 1978), whose programmes
/// over the simplex are solved to rounding (simplex.hpp), and whose steps are shortened until F falls, so that every
/// accepted step lowers F as it is, pseudo-inverse and all. Steps to mixtures whose S is conditioned ten thousand times
/// worse than the uniform mixture's are refused: training would not get there. A start is not descended from if ln F is
/// not finite there, and is given up when, at the pace of its last five iterations, it would not reach the best so far.
/// Candidates that are not reachable stay at 0. A descent ends early where no step of its direction lowers F. Memory:
/// T² numbers. Throws stopped.
exact_solution select_exact(const exact_problem& problem, std::span<const std::vector<double>> starts,
                            const exact_options& options, const std::stop_token& stop);

/// The descent goes on from an earlier solution, whose curvature is kept, on another problem of the same candidates; at
/// most options.last_iterations. The result's `iterations` are the new ones, its `start` is the earlier one's.
exact_solution descend_further(const exact_problem& problem, const exact_solution& from, const exact_options& options,
                               const std::stop_token& stop);

}  // namespace cotscale
