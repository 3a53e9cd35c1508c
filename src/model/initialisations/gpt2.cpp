#include <cmath>

#include "cotscale/config/part_definition.hpp"
#include "cotscale/model/initialisation.hpp"

namespace cotscale {
namespace initialisations {

// One scale for all widths, which suits that of GPT-2, 768. (Radford et al. 2019, section 2.3, and the code published
// with it)
class gpt2 final : public initialisation_scheme {
 public:
  std::string_view word() const override { return "gpt2"; }
  std::string_view help() const override { return "as GPT-2 does, made for a width of 768"; }
  std::string_view formula() const override {
    return "all maps and positions N(0, 0.02²), the two projections of each block back into the residual stream N(0, "
           "0.02²/(2·layers))";
  }
  std::shared_ptr<initialisation_scheme> clone() const override { return std::make_shared<gpt2>(*this); }
  int version() const override { return 1; }
  double deviation(const gpt2_tensor& tensor, const gpt2_configuration& c) const override {
    return tensor.is_residual_projection() ? 0.02 / std::sqrt(2.0 * c.size.layers) : 0.02;
  }
};

}  // namespace initialisations

template const initialisation_scheme& config::part<initialisation_scheme, initialisations::gpt2>();

}  // namespace cotscale
