// x = Λ^{1/2} z, z ~ N(0, I).
#include <cmath>

#include "cotscale/config/part_definition.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/features.hpp"

namespace cotscale {
namespace features {
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

class gaussian final : public feature_distribution {
 public:
  std::string_view word() const override { return "gaussian"; }
  std::string_view help() const override { return "x ~ N(0, Λ)"; }
  std::shared_ptr<feature_distribution> clone() const override { return std::make_shared<gaussian>(*this); }
  int version() const override { return 1; }
  void identify(key_builder& key) const override { key.add(word()); }
  std::optional<fourth_moment_shape> shape() const override { return fourth_moment_shape{}; }
  bool is_gaussian() const override { return true; }
  std::unique_ptr<const example_sampler> sampler(const covariance& lambda) const override {
    return std::make_unique<gaussian_sampler>(lambda);
  }
};

}  // namespace features

template const feature_distribution& config::part<feature_distribution, features::gaussian>();

}  // namespace cotscale
