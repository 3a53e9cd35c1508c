// The losses of linear self-attention, and their gradients.
#pragma once

#include <span>
#include <vector>

#include "cotscale/model/lsa_chain.hpp"
#include "cotscale/train/objective.hpp"

namespace cotscale {

/// Losses and gradients of eight prompts at a time; keeps its memory.
class objective_lanes {
 public:
  /// Loss of the first `prompts` of the eight, each multiplied by `weight`, for a chain of k steps (at most its
  /// longest). Adds its gradient, k columns of eight, to `gradient`. `transposed` belongs to `parameters`
  /// (transpose_into).
  double add(const training_objective& objective, int k, const lsa_parameters& parameters,
             const lsa_parameters& transposed, const prompt_lanes& prompt, int prompts, double weight,
             lsa_gradient_sum& gradient);

  /// Losses of the first `prompts` of the eight, one by one, without gradient; and what they would be if every estimate
  /// were 0.
  void losses(const training_objective& objective, int k, const lsa_parameters& parameters, const prompt_lanes& prompt,
              int prompts, std::span<prompt_loss> out);

 private:
  void forward(const training_objective& objective, int k, const lsa_parameters& parameters,
               const prompt_lanes& prompt);
  double residuals(const training_objective& objective, int k, const prompt_lanes& prompt, int prompts, double weight);
  void next_target(const taught_chain& taught, const prompt_lanes& prompt);

  lsa_chain chain_;
  matrix target_, change_, scratch_, token_;
  std::vector<matrix> o_bar_;  // (2d+2, 8) each, at least k
};

}  // namespace cotscale
