// Training of GPT-2-style models from sampled prompts, in single precision.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/model/gpt2.hpp"
#include "cotscale/model/initialisation.hpp"
#include "cotscale/task/mixture.hpp"
#include "cotscale/train/curriculum.hpp"
#include "cotscale/train/learning.hpp"

namespace cotscale {

/// The objective's losses are as train/gpt2_objective.hpp has them.
struct gpt2_options : learning_options {
  gpt2_options() { batch = 64; }
  gpt2_size size = gpt2_tiny;
  example_positions positions = example_positions::learned;
  weight_positions weights = weight_positions::own;
  int room = 1;               ///< it has own positions for chains of so many steps at least
  curriculum_ramp dimension;  ///< of x and w
  curriculum_ramp examples;   ///< n
  std::shared_ptr<const initialisation_scheme> initialisation = initialisation_named("fan_in");
  double prefix_weight = 0;  ///< of the prefix loss (train/gpt2_objective.hpp), which no recorded loss has
  std::vector<float> given;  ///< parameters to begin with; empty: initial_gpt2 of the scheme and the key
};

struct gpt2_record : learning_record {
  double seconds = 0;
  double tokens_per_second = 0;
};

struct gpt2_training {
  gpt2_model model;
  gpt2_record record;
};

/// The model that training on prompts of n examples yields: its chain is as long as the longest it is trained on, or as
/// the room that it has.
gpt2_configuration trained_configuration(int d, int n, const gpt2_options& options);

/// Parts that a batch is cut into at most, for a model of so many parameters: as many threads find work. Each has a
/// gradient of its own.
int gpt2_most_shards(std::size_t parameters);

/// The prompts that train_gpt2 takes: prompt i of step t is number t·batch + i.
mixture_prompts gpt2_training_prompts(const task_mixture& tasks, int n, stream_key key);

/// Trains on prompts of n examples, one task of the mixture a prompt. Batch t is a function of (key, t) alone, and the
/// parameters of the arguments alone, bit by bit, whatever the number of threads. `record_steps`, ascending, ≤
/// options.steps. When a loss is no longer finite it ends; what counts as diverged is as in train_lsa. Throws
/// stopped when asked to stop, and specification_error for sizes, an optimiser or a curriculum that cannot work.
gpt2_training train_gpt2(const task_mixture& tasks, int n, const gpt2_options& options, stream_key key,
                         std::span<const std::int64_t> record_steps, const std::stop_token& stop);

}  // namespace cotscale
