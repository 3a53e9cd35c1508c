#include <array>

#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/feature_parts.hpp"

namespace cotscale {

std::span<const feature_part> feature_parts() {
  static const std::array parts{gaussian_distribution::part, student_t_distribution::part,
                                rademacher_distribution::part, row_distribution::part};
  return parts;
}

std::span<const feature_distribution* const> chosen_features() {
  static const gaussian_distribution gaussian;
  static const student_t_distribution student_t;
  static const rademacher_distribution rademacher;
  static const std::array<const feature_distribution*, 3> all{&gaussian, &student_t, &rademacher};
  return all;
}

std::shared_ptr<const feature_distribution> gaussian_features() {
  static const auto shared = std::make_shared<const gaussian_distribution>();
  return shared;
}

matrix feature_distribution::fourth_moment(const covariance& lambda) const {
  return lambda.apply(
      [s = shape().value(), trace = lambda.trace()](double l) { return (s.square * l + s.trace * trace) * l; });
}

}  // namespace cotscale
