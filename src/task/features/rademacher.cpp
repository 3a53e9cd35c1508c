// x = Q diag(√λ) z for Λ = Q diag(λ) Qᵀ, z_j = ±1 with probability ½ each: ‖x‖² = tr Λ always, so F = tr(Λ) Λ.
#include <cmath>

#include "cotscale/config/part_definition.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/features.hpp"

namespace cotscale {
namespace features {
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

class rademacher final : public feature_distribution {
 public:
  std::string_view word() const override { return "rademacher"; }
  std::string_view help() const override {
    return "x = Q diag(√λ) z with independent signs z: every example is as long as the others";
  }
  std::shared_ptr<feature_distribution> clone() const override { return std::make_shared<rademacher>(*this); }
  int version() const override { return 1; }
  void identify(key_builder& key) const override { key.add(word()); }
  std::optional<fourth_moment_shape> shape() const override { return fourth_moment_shape{.square = 0, .trace = 1}; }
  bool has_density() const override { return false; }
  std::unique_ptr<const example_sampler> sampler(const covariance& lambda) const override {
    return std::make_unique<rademacher_sampler>(lambda);
  }
};

}  // namespace features

template const feature_distribution& config::part<feature_distribution, features::rademacher>();

}  // namespace cotscale
