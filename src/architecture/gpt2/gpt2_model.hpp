// The class behind make_gpt2().
#pragma once

#include "cotscale/architecture/gpt2.hpp"

namespace cotscale::detail {

class gpt2_sequence : public sequence_model {
 public:
  explicit gpt2_sequence(const gpt2_options& options) : options_(options) {}

  model_limits limits() const override;
  bool has_theory() const override { return false; }
  std::vector<model_tensor> tensors(int d, int n) const override;
  bool learns_from_samples() const override { return true; }
  std::int64_t most_training_steps() const override { return options_.steps; }
  double map_tolerance() const override { return training_report::missing; }
  void require_range(const std::string& model, const std::string& key, double largest, bool trains) const override;
  std::unique_ptr<const trained_sequence> train(const training_problem& problem,
                                                const std::stop_token& stop) const override;

  double training_seconds(double d, double n, bool commuting) const override;
  int busy_threads(int d, int n, int threads) const override;
  double chain_seconds(double d, double m, double steps) const override;
  double chain_numbers(double, double, double) const override { return 0; }  // bytes() has them
  double bytes(int d, int n, int prompts, int steps, int threads) const override;

 private:
  const gpt2_options& options_;
};

}  // namespace cotscale::detail
