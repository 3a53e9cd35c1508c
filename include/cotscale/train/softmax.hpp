// Training of softmax attention from sampled prompts.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/model/softmax_chain.hpp"
#include "cotscale/task/mixture.hpp"
#include "cotscale/train/lsa.hpp"
#include "cotscale/train/objective.hpp"

namespace cotscale {

/// What linear self-attention has too means the same here: which entries of V and W move, and what they begin with.
struct softmax_options {
  lsa_options learning;
  bool own_columns = false;  ///< the chain's own columns are attended to, beside the examples
};

/// The losses of train/objective.hpp with softmax_chain's outputs, all their rows, and their gradients.
class softmax_objective {
 public:
  explicit softmax_objective(bool own_columns) : chain_(own_columns) {}

  /// Loss of a prompt, multiplied by `weight`, for a chain of k steps (1 for direct); adds its gradient.
  double add(const training_objective& objective, int k, const lsa_parameters& parameters, const prompt& p,
             double weight, lsa_parameters& gradient);

  /// Its loss without gradient, and what it would be if every estimate were 0.
  prompt_loss loss(const training_objective& objective, int k, const lsa_parameters& parameters, const prompt& p);

 private:
  prompt_loss forward(const training_objective& objective, int k, const lsa_parameters& parameters, const prompt& p,
                      double weight);

  softmax_chain chain_;
  std::vector<std::vector<double>> o_bar_;  // (2d+2) each, k of them
};

struct softmax_training {
  lsa_parameters model;
  learning_record record;
};

/// As train_lsa, on prompts with their examples: number t·batch + i is prompt i of step t.
softmax_training train_softmax(const task_mixture& tasks, int n, const softmax_options& options, stream_key key,
                               std::span<const std::int64_t> record_steps, const std::stop_token& stop);

}  // namespace cotscale
