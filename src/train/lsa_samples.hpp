// Linear self-attention as a model that learns from sampled prompts.
#pragma once

#include <memory>
#include <vector>

#include "cotscale/task/lane_sampler.hpp"
#include "cotscale/train/learning.hpp"
#include "cotscale/train/lsa.hpp"
#include "cotscale/train/lsa_objective.hpp"
#include "lsa_entries.hpp"

namespace cotscale::detail {

/// Prompts come in blocks of eight. A shard keeps its prompts if they are used again.
class lsa_samples : public trainable<double> {
 public:
  /// The options are kept by reference.
  lsa_samples(const task_mixture& tasks, int n, const lsa_options& options, stream_key key);

  std::size_t size() const override { return free_size(free_); }
  std::vector<learning_tensor> tensors() const override;
  std::vector<double> initial() const override { return gathered(initial_model_, free_); }
  int shards() const override { return static_cast<int>(shards_.size()); }
  std::unique_ptr<partial_gradient<double>> blank_gradient() const override;
  void prepare(std::span<const double> parameters) override;
  double gradient(int shard, std::int64_t t, int k, partial_gradient<double>& gradient,
                  const std::stop_token& stop) override;
  void losses(int shard, std::int64_t t, int k, std::span<prompt_loss> out, const std::stop_token& stop) override;
  double tokens(std::int64_t, int k) const override { return 1.0 * options_.batch * k; }

  /// V and W as they were prepared, and at the beginning.
  const lsa_parameters& model() const { return model_; }
  const lsa_parameters& initial_model() const { return initial_model_; }

 private:
  struct memory {
    std::vector<prompt_lanes> prompts;  // one, or all if they are used again
    objective_lanes objective;
  };

  const prompt_lanes& prompts(memory& here, std::int64_t t, int block, int first) const;
  int first_block(int shard) const { return shard * per_shard_; }
  int last_block(int shard) const;

  const lsa_options& options_;
  std::vector<entry_run> free_;
  lsa_parameters initial_model_;
  lsa_parameters model_;
  lsa_parameters transposed_;
  lane_sampler source_;
  int blocks_;
  int per_shard_;
  std::vector<memory> shards_;
};

}  // namespace cotscale::detail
