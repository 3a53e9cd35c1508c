// What models are trained on when they learn from sampled prompts; each has its own way to the gradients.
#pragma once

namespace cotscale {

/// With o_i the output at token e_i (model/lsa_chain.hpp) and e_0 = (0, 0, 0, 1) the loss of a prompt is
enum class objective {
  /// ½‖o_0 − (0, 0, w, 1)‖², all rows: the paper's population loss. (arXiv 2510.03605, section 2)
  direct,
  /// Mean over i = 0 … k_train − 1 of ½‖o_i − (0, 0, w_{i+1}, 1)‖², all rows; tokens are the constants e_i = (0, 0,
  /// w_i,
  /// 1), from w_0 = 0 (teacher forcing). The w_i are process_targets. (arXiv 2502.21212, 2603.01293)
  process,
  /// ½‖ŵ − w‖² with ŵ the weight rows of o_{k_train − 1}, those rows only; tokens are e_{i+1} = o_i, and the gradient
  /// goes through them. (arXiv 2603.01293)
  outcome,
  /// Mean over i = 0 … k − 1 of ½‖o_i − (0, 0, w, 1)‖², all rows; tokens are e_{i+1} = o_i, taken as constants: no
  /// gradient goes through them. k is drawn for each batch, uniform in 1 … k_train.
  rollout,
};

/// w_{i+1} from w_i.
enum class process_targets {
  geometric,         ///< w_i + η (w − w_i), that is w_i = (1 − (1 − η)^i) w
  gradient_descent,  ///< w_i + η (Xy/n − Ŝ w_i); it diverges on prompts with η ‖Ŝ‖ > 2
};

struct objective_options {
  objective kind = objective::direct;
  int k_train = 1;  ///< steps of the chain; direct has one, whatever this says
  process_targets targets = process_targets::geometric;
  double eta = 0.5;
};

/// Steps of the longest chain in training.
int longest_chain(const objective_options& options);

/// The loss of one prompt: the model's, and that of the estimate 0 at every step.
struct prompt_loss {
  double model = 0;
  double zero = 0;
};

}  // namespace cotscale
