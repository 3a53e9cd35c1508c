// What a GPT-2-style model is trained on: losses of explicit prompts and their gradients.
#pragma once

#include <span>
#include <vector>

#include "cotscale/model/gpt2_pass.hpp"
#include "cotscale/task/prompt.hpp"
#include "cotscale/train/objective.hpp"

namespace cotscale {

/// The objectives of train/objective.hpp on the d numbers that are read out, ŵ_{i+1} at weight token i: the loss of a
/// prompt is the mean over i < k of ½‖ŵ_{i+1} − w‖², or of ½‖ŵ_{i+1} − w_{i+1}‖² for a chain that is given, or ½‖ŵ_k −
/// w‖² alone. Weight tokens are the estimates, or the chain that is given, from w_0 = 0.
template<class T>
class gpt2_objective {
 public:
  explicit gpt2_objective(const gpt2_layout& layout) : pass_(layout, gpt2_pass<T>::keep::all) {}

  /// Loss of the prompts together, each multiplied by `weight`, for a chain of k steps (at most its longest); adds its
  /// gradient. All prompts have as many examples.
  double add(const training_objective& objective, int k, std::span<const T> parameters, std::span<const prompt> prompts,
             double weight, std::span<T> gradient);

  /// Losses of the prompts one by one, without gradient, as objective_lanes::losses.
  void losses(const training_objective& objective, int k, std::span<const T> parameters,
              std::span<const prompt> prompts, std::span<prompt_loss> out);

  /// ŵ_{i+1} of all prompts, (B, d), as add() left them.
  view<const T> output(int i) const { return pass_.output(i); }

 private:
  void forward(const training_objective& objective, int k, std::span<const T> parameters,
               std::span<const prompt> prompts);
  double residuals(const training_objective& objective, int k, std::span<const prompt> prompts, double weight);
  void backward(const training_objective& objective, int k, std::span<const T> parameters, std::span<T> gradient);

  gpt2_pass<T> pass_;
  std::vector<std::vector<double>> targets_;  // of each prompt, w_1 … w_k in a row
};

}  // namespace cotscale
