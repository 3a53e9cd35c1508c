// x = g √((ν − 2)/χ²_ν), g ~ N(0, Λ): the multivariate Student-t, one χ²_ν an example, scaled to covariance Λ. F is
// (ν − 2)/(ν − 4) times the Gaussian's. For ν ≤ 8 the error of a step has no finite variance.
#include <cmath>
#include <vector>

#include "cotscale/config/part_definition.hpp"
#include "cotscale/task/features.hpp"

namespace cotscale {
namespace features {
namespace {

class student_t_sampler : public example_sampler {
 public:
  student_t_sampler(const covariance& lambda, double degrees)
      : gaussian_(gaussian_features()->sampler(lambda)), degrees_(degrees) {}

  void draw(stream_key key, std::uint64_t index, matrix& x) const override {
    gaussian_->draw(key, index, x);
    const std::vector<double> degrees(static_cast<std::size_t>(x.columns()), degrees_);
    std::vector<double> chi(degrees.size());
    fill_chi(key_builder("radii of examples").add(key.low).add(key.high).key(), index, degrees, chi);
    for (double& c : chi) c = std::sqrt(degrees_ - 2) / c;
    for (int j = 0; j < x.rows(); ++j) {
      for (int i = 0; i < x.columns(); ++i) x(j, i) *= chi[static_cast<std::size_t>(i)];
    }
  }

 private:
  std::unique_ptr<const example_sampler> gaussian_;
  double degrees_;
};

}  // namespace

class student_t final : public feature_distribution {
 public:
  std::string_view word() const override { return "student_t"; }
  std::string_view help() const override {
    return "multivariate Student-t of `degrees` > 4 degrees of freedom, one χ² an example, covariance Λ";
  }
  std::shared_ptr<feature_distribution> clone() const override { return std::make_shared<student_t>(*this); }
  int version() const override { return 1; }
  void keys(config::keys& k) override {
    k.value({.name = "degrees",
             .help = "degrees of freedom ν: F is (ν − 2)/(ν − 4) times the Gaussian's, and for ν ≤ 8 the error of a "
                     "step has no finite variance"},
            degrees_, {.above = 4});
  }
  void identify(key_builder& key) const override { key.add(word()).add(degrees_); }
  std::optional<fourth_moment_shape> shape() const override {
    const double heavier = (degrees_ - 2) / (degrees_ - 4);
    return fourth_moment_shape{.square = 2 * heavier, .trace = heavier};
  }
  bool has_finite_variance() const override { return degrees_ > 8; }
  std::unique_ptr<const example_sampler> sampler(const covariance& lambda) const override {
    return std::make_unique<student_t_sampler>(lambda, degrees_);
  }

 private:
  double degrees_ = 12;
};

}  // namespace features

template const feature_distribution& config::part<feature_distribution, features::student_t>();

}  // namespace cotscale
