// GPT-2-style models as sequence models; they learn from samples only.
#pragma once

#include <algorithm>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/train/gpt2.hpp"

namespace cotscale::architectures {

class gpt2 final : public sequence_model {
 public:
  gpt2() { options_.optimizer.learning_rate = 5e-4; }

  std::string_view word() const override { return "gpt2"; }
  std::string_view help() const override { return "a GPT-2-style transformer, which learns from samples only"; }
  std::shared_ptr<sequence_model> clone() const override { return std::make_shared<gpt2>(*this); }
  int version() const override { return 1; }
  void keys(config::keys& k, const key_choice& which, stored_weights& stored) override;
  void require_trainable(config::keys& k, int d, std::int64_t n) const override;
  void make_room(int steps) override { options_.room = std::max(options_.room, steps); }

  std::vector<std::string_view> keys_of_parameters() const override {
    return {"heads", "positions", "weight_positions"};
  }
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
  double bytes(int d, int n, int m, int prompts, int steps, int threads) const override;

 private:
  gpt2_options options_;
};

}  // namespace cotscale::architectures
