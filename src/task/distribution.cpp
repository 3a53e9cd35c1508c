#include "cotscale/task/distribution.hpp"

#include <cmath>
#include <utility>

#include "cotscale/base/error.hpp"

namespace cotscale {

prompt_distribution::prompt_distribution(covariance sigma, std::shared_ptr<const feature_distribution> x,
                                         double variance, std::shared_ptr<const weight_prior> w)
    : lambda(std::move(sigma)), features(std::move(x)), noise(variance), weights(std::move(w)) {
  expects(features != nullptr && weights != nullptr, "prompt_distribution: no {}", features ? "weights" : "features");
  if (!(noise >= 0) || !std::isfinite(noise)) {
    throw specification_error(fmt::format("the variance of the noise of labels must be finite and ≥ 0, not {}", noise));
  }
  weights->require_dimension(lambda.dimension());
}

prompt_distribution prompt_distribution::scaled(int exponent) const {
  if (exponent == 0) return *this;
  return {lambda.scaled(exponent), features, std::ldexp(noise, exponent), weights};
}

stream_key label_noise_key(stream_key key) { return key_builder("noise of labels").add(key.low).add(key.high).key(); }

}  // namespace cotscale
