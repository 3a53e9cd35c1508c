#include "parts.hpp"

namespace cotscale::detail {
namespace {

class linear : public schedule_part {
 public:
  rate_schedule schedule() const override { return rate_schedule::linear; }
  std::string_view word() const override { return "linear"; }
  std::string_view help() const override { return "falls in a straight line to the share `floor`"; }
  double share(const optimizer_options& options, double x) const override { return 1 - (1 - options.floor) * x; }
};

}  // namespace

const schedule_part& linear_part() {
  static const linear part;
  return part;
}

}  // namespace cotscale::detail
