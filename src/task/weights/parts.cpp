#include <array>

#include "cotscale/task/weights.hpp"

namespace cotscale {

std::span<const weight_part> weight_parts() {
  static const std::array parts{
      weight_part{"gaussian", "w ~ N(0, I)",
                  []() -> std::unique_ptr<weight_prior> { return std::make_unique<gaussian_weights>(); }},
      weight_part{"sparse", "`nonzero` of the d coordinates, chosen uniformly, N(0, d/nonzero) each",
                  []() -> std::unique_ptr<weight_prior> { return std::make_unique<sparse_weights>(); }}};
  return parts;
}

std::shared_ptr<const weight_prior> normal_weights() {
  static const auto shared = std::make_shared<const gaussian_weights>();
  return shared;
}

}  // namespace cotscale
