// Linear self-attention that has been trained.
#pragma once

#include <optional>

#include "lsa.hpp"

namespace cotscale::architectures {

class trained_lsa : public trained_sequence {
 public:
  trained_lsa(roll_out_method roll_out, int dimension) : roll_out_(roll_out), dimension_(dimension) {}

  bool at_optimum() const override { return slice.has_value(); }
  chain_evaluation evaluate(const chain_test& test, const std::stop_token& stop) const override;
  std::vector<tensor_values> tensors() const override;
  std::optional<matrix> map_of_steps() const override {
    return slice ? preconditioner(*slice) : effective_preconditioner(general);
  }

  training_report& report() { return report_; }

  std::optional<lsa_slice> slice;  ///< of scalar covariances with V₃₁ (1, 1); if it is on the slice of Theorem 3.1;
                                   ///< else (both in the specification's units)
  lsa_parameters general;          ///< all of V and W
  matrix map;                      ///< preconditioner() of the slice, in the target's units

 private:
  lsa_parameters parameters() const;

  roll_out_method roll_out_;
  int dimension_;
};

}  // namespace cotscale::architectures
