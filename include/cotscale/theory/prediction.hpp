// When does thinking hurt? What a preconditioner does to test prompts of finite length, from (A, Σ, m) alone, before
// anything is rolled out.
#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/task/distribution.hpp"

namespace cotscale {

/// How many draws a prediction takes: `draws`, then twice as many, …, until the best k is settled, at most
/// `most_draws`.
struct prediction_draws {
  int draws = 100;
  int most_draws = 100;
  /// Draws rarer than this are left out of account; those that are more frequent, but too rare to be among so few
  /// draws, are extrapolated (chain_prediction::first_k).
  double rarest = 1e-4;
  /// Asked between draws beyond the first `draws`; true: no more, and those since the last doubling do not count. The
  /// answer then depends on the moment. Empty: never.
  std::function<bool()> out_of_time;
};

struct chain_prediction {
  std::vector<double> error;             ///< mean over draws, k = 0 … steps
  std::vector<double> standard_error;    ///< of that mean
  std::vector<double> difference_error;  ///< standard error of error − error at best_k, on the same draws
  std::vector<double> diverging_part;    ///< share of the error that the draws make which diverge
  int draws = 0;                         ///< how many there were
  int best_k = 0;                        ///< the smallest k with the least mean
  /// The first and the last k that the draws do not tell apart from best_k (base/paired.hpp). A k below best_k is not
  /// told apart either when draws that are too rare to be among these, by extrapolation of the upper tenth of the
  /// largest eigenvalues of AŜ as an exponential tail, could raise the error at best_k above that at k.
  int first_k = 0, last_k = 0;
  /// The other k that is the least told apart, and how many standard errors away it is; steps = 0: −1.
  int rival_k = -1;
  double rival_z = 0;
  double diverging_share = 0;  ///< share of the draws in which an |eigenvalue| of I − AŜ is above 1
  bool out_of_time = false;    ///< ended by prediction_draws::out_of_time

  bool settled() const { return first_k == last_k; }
};

/// Over independent Ŝ = XXᵀ/m of the test distribution, 1 ≤ draws ≤ most_draws of them: each counts with its exact mean
/// over weights and noise, ‖B^k‖_F² + (σ²/m) tr(P_k A Ŝ Aᵀ P_kᵀ) with B = I − AŜ and P_k = Σ_{j<k} B^j. For w_k − w =
/// −B^k w + P_k A e, where e = Xε/m has covariance (σ²/m) Ŝ given X; since P_k A Ŝ = I − B^k, the trace is
/// ⟨I − B^k, P_k A⟩. Of weights only E[w wᵀ] = I counts. The extrapolation to rare draws (chain_prediction::first_k)
/// supposes tails no heavier than exponential, and is for the noise-free part; those of Student-t are heavier. The
/// random numbers depend on `key` only. Of a Σ that is held as a scalar A is (1, 1); beyond d = 64 a draw is of X's
/// bidiagonal form and counts with d ‖(I − AŜ)^k e₁‖², whose mean is the same. Throws stopped when asked to stop.
chain_prediction predict_chain(const matrix& preconditioner, const prompt_distribution& test, int m, int steps,
                               const prediction_draws& draws, stream_key key, const std::stop_token& stop);

/// Largest |eigenvalue| of I − AΣ: above 1, the chain diverges for m → ∞.
double limit_spectral_radius(const matrix& preconditioner, const covariance& sigma);

/// Largest |eigenvalue| of I − Ŝ/γ for Σ = Λ = I and d, m → ∞ with d/m → `ratio`, γ = 1 + (d + 1)/n: the edges
/// (1 ± √ratio)² of the Marchenko-Pastur law (and 0 where ratio > 1) decide it.
double marchenko_pastur_radius(int d, int n, double ratio);

}  // namespace cotscale
