#include "parts.hpp"

namespace cotscale::detail {
namespace {

class constant : public schedule_part {
 public:
  rate_schedule schedule() const override { return rate_schedule::constant; }
  std::string_view word() const override { return "constant"; }
  std::string_view help() const override { return "is equal from the warm-up on"; }
  double share(const optimizer_options&, double) const override { return 1; }
};

}  // namespace

const schedule_part& constant_part() {
  static const constant part;
  return part;
}

}  // namespace cotscale::detail
