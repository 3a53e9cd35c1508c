#include <cmath>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/task/feature_parts.hpp"

namespace cotscale {
namespace {

class student_t_sampler : public example_sampler {
 public:
  student_t_sampler(const covariance& lambda, double degrees)
      : gaussian_(gaussian_distribution().sampler(lambda)), degrees_(degrees) {}

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

void require_degrees(double degrees) {
  if (degrees > 4 && std::isfinite(degrees)) return;
  throw specification_error(fmt::format(
      "degrees = {}: a Student-t needs more than 4 degrees of freedom, for its fourth moments to be finite", degrees));
}

}  // namespace

void student_t_distribution::keys(config::keys& k) {
  k.value({.name = "degrees",
           .help = "degrees of freedom ν: F is (ν − 2)/(ν − 4) times the Gaussian's, and for ν ≤ 8 the error of a step "
                   "has no finite variance"},
          degrees, {.above = 4});
}

std::optional<fourth_moment_shape> student_t_distribution::shape() const {
  require_degrees(degrees);
  const double heavier = (degrees - 2) / (degrees - 4);
  return fourth_moment_shape{.square = 2 * heavier, .trace = heavier};
}

std::unique_ptr<const example_sampler> student_t_distribution::sampler(const covariance& lambda) const {
  require_degrees(degrees);
  return std::make_unique<student_t_sampler>(lambda, degrees);
}

}  // namespace cotscale
