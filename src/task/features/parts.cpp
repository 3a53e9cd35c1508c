#include <array>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/feature_parts.hpp"

namespace cotscale {

// The list: a new distribution is a class in a file of task/features and a line here.
std::span<const feature_distribution* const> all_features() {
  static const gaussian_distribution gaussian;
  static const student_t_distribution student_t;
  static const rademacher_distribution rademacher;
  static const row_distribution rows;
  static const std::array<const feature_distribution*, 4> all{&gaussian, &student_t, &rademacher, &rows};
  return all;
}

void settle(config::keys& k, std::shared_ptr<const feature_distribution>& chosen, int d,
            const std::filesystem::path& directory) {
  k.check([&] {
    const std::shared_ptr<feature_distribution> settled = chosen->clone();
    settled->settle(k, d, directory);
    chosen = settled;
  });
}

std::shared_ptr<const feature_distribution> gaussian_features() {
  static const auto shared = std::make_shared<const gaussian_distribution>();
  return shared;
}

matrix feature_distribution::fourth_moment(const covariance& lambda) const {
  return lambda.apply(
      [s = shape().value(), trace = lambda.trace()](double l) { return (s.square * l + s.trace * trace) * l; });
}

const covariance& feature_distribution::own_covariance() const {
  throw precondition_error(fmt::format("own_covariance: {} have any covariance", word()));
}

}  // namespace cotscale
