// A GPT-2-style model as one that learns from sampled prompts.
#pragma once

#include <memory>
#include <vector>

#include "cotscale/nn/workspaces.hpp"
#include "cotscale/train/gpt2.hpp"
#include "cotscale/train/gpt2_objective.hpp"
#include "cotscale/train/learning.hpp"

namespace cotscale::detail {

/// A shard's prompts go forward and backward in portions that stay in the cache.
class gpt2_samples : public trainable<float> {
 public:
  /// Layout and options are kept by reference.
  gpt2_samples(const gpt2_layout& layout, const task_mixture& tasks, int n, const gpt2_options& options,
               stream_key key);

  std::size_t size() const override { return layout_.size(); }
  std::vector<learning_tensor> tensors() const override;
  std::vector<float> initial() const override;  // drawn again when it is asked for
  int shards() const override;
  std::unique_ptr<partial_gradient<float>> blank_gradient() const override;
  void prepare(std::span<const float> parameters) override;
  double gradient(int shard, std::int64_t t, int k, partial_gradient<float>& gradient,
                  const std::stop_token& stop) override;
  void losses(int shard, std::int64_t t, int k, std::span<prompt_loss> out, const std::stop_token& stop) override;
  double tokens(std::int64_t t, int k) const override;

 private:
  struct worker {
    worker(const gpt2_layout& layout, double prefix_weight) : objective(layout, prefix_weight) {}
    gpt2_objective<float> objective;
    std::vector<prompt> prompts;
  };

  int prompts_at_once(int tokens) const;
  template<class Body>
  void for_portions(int shard, std::int64_t t, int k, const std::stop_token& stop, worker& here, const Body& body);

  const gpt2_layout& layout_;
  const gpt2_options& options_;
  stream_key key_;
  mixture_prompts prompts_;
  int per_shard_;
  std::span<const float> parameters_;
  line_vector<float> transposed_;
  nn::workspaces<worker> workers_;
};

}  // namespace cotscale::detail
