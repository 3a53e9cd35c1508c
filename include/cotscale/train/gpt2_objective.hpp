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
/// w‖² alone. Weight tokens are the estimates, or the chain that is given, from w_0 = 0. Whatever the objective, what
/// is minimised may have another term, the prefix loss: `prefix_weight` ≥ 0 times the mean over the examples i = 1 … n
/// of ½‖ŵ(y_i) − w‖², where ŵ(y_i) is read out at y_i, so that every prefix of a prompt is a prompt to learn from (Garg
/// et al., arXiv 2208.01066, equation 2, there of labels).
template<class T>
class gpt2_objective {
 public:
  explicit gpt2_objective(const gpt2_layout& layout, double prefix_weight = 0)
      : pass_(layout, gpt2_pass<T>::keep::all), prefix_weight_(prefix_weight) {}

  /// The objective's loss of the prompts together, each multiplied by `weight`, for a chain of k steps (at most its
  /// longest), so that losses with other prefix weights compare; adds the gradient of all that is minimised. All
  /// prompts have as many examples. `transposed` is what transpose_maps() makes of the parameters.
  double add(const training_objective& objective, int k, std::span<const T> parameters, std::span<const T> transposed,
             std::span<const prompt> prompts, double weight, std::span<T> gradient);

  /// Losses of the prompts one by one, without gradient, as objective_lanes::losses. No prefix is read out for them.
  void losses(const training_objective& objective, int k, std::span<const T> parameters,
              std::span<const prompt> prompts, std::span<prompt_loss> out);

  /// ŵ_{i+1} of all prompts, (B, d), as add() left them; and what it read out at y of example i ≥ 0, if prefixes count.
  view<const T> output(int i) const { return pass_.output(i); }
  view<const T> prefix_output(int i) const { return pass_.prefix_output(i); }

 private:
  void forward(const training_objective& objective, int k, std::span<const T> parameters,
               std::span<const prompt> prompts);
  double residuals(const training_objective& objective, int k, std::span<const prompt> prompts, double weight);
  void prefix_residuals(std::span<const prompt> prompts, double weight);
  void backward(const training_objective& objective, int k, std::span<const T> parameters,
                std::span<const T> transposed, std::span<T> gradient);

  gpt2_pass<T> pass_;
  double prefix_weight_;
  std::vector<std::vector<double>> targets_;  // of each prompt, w_1 … w_k in a row
};

}  // namespace cotscale
