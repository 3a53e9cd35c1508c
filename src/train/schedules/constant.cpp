#include "cotscale/config/part_definition.hpp"
#include "cotscale/train/optimizer_part.hpp"

namespace cotscale {
namespace schedules {

class constant final : public rate_schedule {
 public:
  std::string_view word() const override { return "constant"; }
  std::string_view help() const override { return "is equal from the warm-up on"; }
  std::shared_ptr<rate_schedule> clone() const override { return std::make_shared<constant>(*this); }
  int version() const override { return 1; }
  double share(double) const override { return 1; }
};

}  // namespace schedules

template const rate_schedule& config::part<rate_schedule, schedules::constant>();

}  // namespace cotscale
