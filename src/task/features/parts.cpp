#include "cotscale/config/part.hpp"

#include <array>

#include "cotscale/base/error.hpp"
#include "cotscale/config/named_part.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/features.hpp"

namespace cotscale {

class row_distribution;

namespace features {

// The list: a new distribution is a file here and a line below.
// clang-format off
constexpr std::array parts{
    &config::part<feature_distribution, class gaussian>,
    &config::part<feature_distribution, class student_t>,
    &config::part<feature_distribution, class rademacher>,
    &config::part<feature_distribution, row_distribution>,
};
// clang-format on

}  // namespace features

std::span<const feature_distribution* const> all_features() {
  static const auto all = config::parts_of(features::parts);
  return all;
}

std::shared_ptr<const feature_distribution> features_named(std::string_view word, const std::string& values) {
  return config::named_part(all_features(), word, values);
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
  static const auto shared = features_named("gaussian");
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
