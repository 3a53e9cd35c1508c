// The distribution of prompts of one task: features, weights and noise.
//
// Keys: [target] has Λ and `features`; [task] has `noise` (σ²) and `weights`; [mixtures.NAME] has Λ and `features` of
// what is trained on. A target of rows takes Λ from own_covariance().
#pragma once

#include <memory>

#include "cotscale/task/covariance.hpp"
#include "cotscale/task/features.hpp"
#include "cotscale/task/weights.hpp"

namespace cotscale {

/// x with E[x xᵀ] = Λ, y = ⟨w, x⟩ + ε with ε ~ N(0, σ²). A covariance alone stands for Gaussian features and weights
/// and labels without noise.
struct prompt_distribution {
  prompt_distribution(covariance sigma,  // NOLINT(google-explicit-constructor)
                      std::shared_ptr<const feature_distribution> x = gaussian_features(), double variance = 0,
                      std::shared_ptr<const weight_prior> w = normal_weights());

  covariance lambda;
  std::shared_ptr<const feature_distribution> features;
  double noise;  ///< σ² ≥ 0, finite
  std::shared_ptr<const weight_prior> weights;

  int dimension() const { return lambda.dimension(); }
  /// Gaussian features, no noise: what the paper's formulas are for.
  bool is_plain() const { return features->is_gaussian() && noise == 0; }
  /// Λ and σ² times 2^e (covariance::scaled): features and labels in other units.
  prompt_distribution scaled(int exponent) const;
};

/// The key of what is added to labels of prompts drawn from `key`.
stream_key label_noise_key(stream_key key);

}  // namespace cotscale
