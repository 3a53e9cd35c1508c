#include <cmath>

#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/feature_parts.hpp"

namespace cotscale {
namespace {

class rademacher_sampler : public example_sampler {
 public:
  explicit rademacher_sampler(const covariance& lambda) : factor_(lambda.basis()) {
    for (int i = 0; i < factor_.rows(); ++i) {
      for (int j = 0; j < factor_.columns(); ++j) {
        factor_(i, j) *= std::sqrt(lambda.eigenvalues()[static_cast<std::size_t>(j)]);
      }
    }
  }

  void draw(stream_key key, std::uint64_t index, matrix& x) const override {
    thread_local matrix z;
    z.reshape(x.rows(), x.columns());
    fill_uniform(key_builder("signs of examples").add(key.low).add(key.high).key(), index, z.values());
    for (double& value : z.values()) value = value < 0.5 ? -1 : 1;
    multiply(1, factor_, transpose::no, z, transpose::no, 0, x);
  }

 private:
  matrix factor_;  // Q diag(√λ)
};

}  // namespace

std::unique_ptr<const example_sampler> rademacher_distribution::sampler(const covariance& lambda) const {
  return std::make_unique<rademacher_sampler>(lambda);
}

}  // namespace cotscale
