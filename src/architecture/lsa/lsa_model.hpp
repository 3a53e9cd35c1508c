// The class behind make_lsa().
#pragma once

#include "cotscale/architecture/lsa.hpp"

namespace cotscale::detail {

class lsa_model : public sequence_model {
 public:
  explicit lsa_model(const lsa_options& options) : options_(options) {}

  model_limits limits() const override;
  bool has_theory() const override { return true; }
  std::vector<model_tensor> tensors(int d, int n) const override;
  bool learns_from_samples() const override { return options_.training == training_method::samples; }
  std::int64_t most_training_steps() const override;
  double map_tolerance() const override;
  void require_range(const std::string& model, const std::string& key, double largest, bool trains) const override;
  std::unique_ptr<const trained_sequence> train(const training_problem& problem,
                                                const std::stop_token& stop) const override;

  double training_seconds(double d, double n, bool commuting) const override;
  int busy_threads(int d, int n, int threads) const override;
  double chain_seconds(double d, double m, double steps) const override;
  double chain_numbers(double d, double m, double steps) const override;
  double bytes(int, int, int, int, int) const override { return 0; }  // little beside the matrices of a cell

 private:
  bool by_definition() const { return options_.roll_out == roll_out_method::definition; }

  lsa_options options_;
};

}  // namespace cotscale::detail
