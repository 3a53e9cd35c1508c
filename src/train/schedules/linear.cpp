#include "cotscale/config/part_definition.hpp"
#include "cotscale/train/optimizer_part.hpp"

namespace cotscale {
namespace schedules {

class linear final : public rate_schedule {
 public:
  std::string_view word() const override { return "linear"; }
  std::string_view help() const override { return "falls in a straight line to the share `floor`"; }
  std::shared_ptr<rate_schedule> clone() const override { return std::make_shared<linear>(*this); }
  int version() const override { return 1; }
  void keys(config::keys& k) override {
    k.value({.name = "floor", .help = "the last rate, as a share of `learning_rate`"}, floor_, {.least = 0, .most = 1});
  }
  double share(double x) const override { return 1 - (1 - floor_) * x; }

 private:
  double floor_ = 0;
};

}  // namespace schedules

template const rate_schedule& config::part<rate_schedule, schedules::linear>();

}  // namespace cotscale
