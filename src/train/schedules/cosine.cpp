#include <cmath>
#include <numbers>

#include "cotscale/config/part_definition.hpp"
#include "cotscale/train/optimizer_part.hpp"

namespace cotscale {
namespace schedules {

class cosine final : public rate_schedule {
 public:
  std::string_view word() const override { return "cosine"; }
  std::string_view help() const override { return "falls to zero at the last step, as (1 + cos πx)/2"; }
  std::shared_ptr<rate_schedule> clone() const override { return std::make_shared<cosine>(*this); }
  int version() const override { return 1; }
  double share(double x) const override { return 0.5 * (1 + std::cos(std::numbers::pi * x)); }
};

}  // namespace schedules

template const rate_schedule& config::part<rate_schedule, schedules::cosine>();

}  // namespace cotscale
