// When does thinking hurt? What a preconditioner does to test prompts of finite length, from (A, Σ, m) alone, before
// anything is rolled out.
#pragma once

#include <stop_token>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/task/covariance.hpp"

namespace cotscale {

struct chain_prediction {
  std::vector<double> error;           ///< mean over draws of ‖(I − AŜ)^k‖_F², k = 0 … steps
  std::vector<double> standard_error;  ///< of that mean
  int best_k = 0;                      ///< the smallest k with the least mean
  double diverging_share = 0;          ///< share of the draws in which an |eigenvalue| of I − AŜ is above 1
};

/// Over `draws` ≥ 1 independent Ŝ = XXᵀ/m, x ~ N(0, Σ): each counts with its exact mean over w ~ N(0, I). The random
/// numbers depend on `key` only. Throws stopped when asked to stop.
chain_prediction predict_chain(const matrix& preconditioner, const covariance& sigma, int m, int steps, int draws,
                               stream_key key, const std::stop_token& stop);

/// Largest |eigenvalue| of I − AΣ: above 1, the chain diverges for m → ∞.
double limit_spectral_radius(const matrix& preconditioner, const covariance& sigma);

/// Largest |eigenvalue| of I − Ŝ/γ for Σ = Λ = I and d, m → ∞ with d/m → `ratio`, γ = 1 + (d + 1)/n: the edges
/// (1 ± √ratio)² of the Marchenko-Pastur law (and 0 where ratio > 1) decide it.
double marchenko_pastur_radius(int d, int n, double ratio);

}  // namespace cotscale
