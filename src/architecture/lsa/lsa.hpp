// Linear self-attention as a sequence model: trained on its population loss, to the minimum of it, or from samples.
#pragma once

#include <cstdint>

#include "../shared_keys.hpp"
#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/train/lsa.hpp"
#include "cotscale/train/lsa_population.hpp"

namespace cotscale::architectures {

enum class roll_out_method : std::uint8_t { recursion, definition };

/// What its keys say.
struct lsa_settings {
  training_method training = training_method::population;
  roll_out_method roll_out = roll_out_method::recursion;
  descent_options descent;  ///< of population; its c is that of all three, in the specification's units
  lsa_options samples;      ///< of samples
};

class lsa final : public sequence_model {
 public:
  std::string_view word() const override { return "lsa"; }
  std::string_view help() const override { return "linear self-attention"; }
  std::shared_ptr<sequence_model> clone() const override { return std::make_shared<lsa>(*this); }
  int version() const override { return 1; }
  void keys(config::keys& k, const key_choice& which, stored_weights& stored) override;
  void require_trainable(config::keys& k, int d, std::int64_t n) const override;

  model_limits limits() const override;
  bool has_theory() const override { return true; }
  std::vector<model_tensor> tensors(int d, int n) const override;
  bool learns_from_samples() const override { return settings_.training == training_method::samples; }
  bool keeps_isotropy() const override { return !learns_from_samples() && !by_definition(); }
  std::int64_t most_training_steps() const override;
  double map_tolerance() const override;
  void require_range(const std::string& model, const std::string& key, double largest, bool trains) const override;
  std::unique_ptr<const trained_sequence> train(const training_problem& problem,
                                                const std::stop_token& stop) const override;

  double training_seconds(double d, double n, bool commuting) const override;
  int busy_threads(int d, int n, int threads) const override;
  double chain_seconds(double d, double m, double steps) const override;
  double chain_numbers(double d, double m, double steps) const override;
  double bytes(int, int, int, int, int, int) const override { return 0; }  // little beside the matrices of a cell

 private:
  bool by_definition() const { return settings_.roll_out == roll_out_method::definition; }

  lsa_settings settings_;
};

}  // namespace cotscale::architectures
