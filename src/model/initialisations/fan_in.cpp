#include <cmath>

#include "cotscale/config/part_definition.hpp"
#include "cotscale/model/initialisation.hpp"

namespace cotscale {
namespace initialisations {

// Outputs of a block's maps are as large as their inputs, whatever the width. (LeCun et al. 1998, "Efficient BackProp",
// section 4.6, and GPT-2's factor for residual projections)
class fan_in final : public initialisation_scheme {
 public:
  std::string_view word() const override { return "fan_in"; }
  std::string_view help() const override { return "by the number of a map's inputs, for any width"; }
  std::string_view formula() const override {
    return "maps of blocks N(0, 1/inputs), the two projections of each block back into the residual stream N(0, "
           "1/(2·layers·inputs)), read_in.weight N(0, 1/width), positions N(0, 0.05²), read_out.weight N(0, 0.02²)";
  }
  std::shared_ptr<initialisation_scheme> clone() const override { return std::make_shared<fan_in>(*this); }
  int version() const override { return 1; }
  double deviation(const gpt2_tensor& tensor, const gpt2_configuration& c) const override {
    if (tensor.name == "read_in.weight") return 1 / std::sqrt(1.0 * c.size.width);
    if (tensor.name == "wpe.weight") return 0.05;
    if (tensor.name == "read_out.weight") return 0.02;
    const double inputs = tensor.shape.front();  // as Conv1D has them
    return 1 / std::sqrt(tensor.is_residual_projection() ? 2 * c.size.layers * inputs : inputs);
  }
};

}  // namespace initialisations

template const initialisation_scheme& config::part<initialisation_scheme, initialisations::fan_in>();

}  // namespace cotscale
