#include <cmath>
#include <utility>

#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/feature_parts.hpp"

namespace cotscale {
namespace {

class gaussian_sampler : public example_sampler {
 public:
  explicit gaussian_sampler(const covariance& lambda)
      : factor_(lambda.apply([](double eigenvalue) { return std::sqrt(eigenvalue); })) {}

  void draw(stream_key key, std::uint64_t index, matrix& x) const override {
    thread_local matrix z;
    z.reshape(x.rows(), x.columns());
    fill_normal(key, 2 * index + 1, z.values());
    multiply(1, factor_, transpose::no, z, transpose::no, 0, x);  // X = F Z
  }

 private:
  matrix factor_;  // F with F Fᵀ = Λ
};

}  // namespace

std::unique_ptr<const example_sampler> gaussian_distribution::sampler(const covariance& lambda) const {
  return std::make_unique<gaussian_sampler>(lambda);
}

}  // namespace cotscale
