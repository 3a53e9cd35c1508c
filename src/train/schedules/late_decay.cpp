// Warm-up, stable, decay (Hu et al. 2024, arXiv 2404.06395, section 4; Hägele et al. 2024, arXiv 2405.18392).
#include "cotscale/config/part_definition.hpp"
#include "cotscale/train/optimizer_part.hpp"

namespace cotscale {
namespace schedules {

class late_decay final : public rate_schedule {
 public:
  std::string_view word() const override { return "late_decay"; }
  std::string_view help() const override {
    return "is equal up to the share `decay_from` of the steps, then falls in a straight line to zero";
  }
  std::shared_ptr<rate_schedule> clone() const override { return std::make_shared<late_decay>(*this); }
  int version() const override { return 1; }
  void keys(config::keys& k) override {
    k.value({.name = "decay_from", .help = "where the rate begins to fall, as a share of the steps after the warm-up"},
            decay_from_, {.least = 0, .below = 1});
  }
  double share(double x) const override { return x <= decay_from_ ? 1 : (1 - x) / (1 - decay_from_); }

 private:
  double decay_from_ = 0.7;
};

}  // namespace schedules

template const rate_schedule& config::part<rate_schedule, schedules::late_decay>();

}  // namespace cotscale
