#include <array>

#include "cotscale/task/weights.hpp"

namespace cotscale {

namespace {

const gaussian_weights gaussian;
const sparse_weights sparse;

}  // namespace

std::span<const weight_part> weight_parts() {
  static const std::array parts{
      weight_part{gaussian.word(), gaussian.help(),
                  []() -> std::unique_ptr<weight_prior> { return std::make_unique<gaussian_weights>(); }},
      weight_part{sparse.word(), sparse.help(),
                  []() -> std::unique_ptr<weight_prior> { return std::make_unique<sparse_weights>(); }}};
  return parts;
}

std::span<const weight_prior* const> chosen_weights() {
  static const std::array<const weight_prior*, 2> all{&gaussian, &sparse};
  return all;
}

std::shared_ptr<const weight_prior> normal_weights() {
  static const auto shared = std::make_shared<const gaussian_weights>();
  return shared;
}

}  // namespace cotscale
