#include <cmath>
#include <numbers>

#include "parts.hpp"

namespace cotscale::detail {
namespace {

class cosine : public schedule_part {
 public:
  rate_schedule schedule() const override { return rate_schedule::cosine; }
  std::string_view word() const override { return "cosine"; }
  std::string_view help() const override { return "falls to zero at the last step, as (1 + cos πx)/2"; }
  double share(const optimizer_options&, double x) const override { return 0.5 * (1 + std::cos(std::numbers::pi * x)); }
};

}  // namespace

const schedule_part& cosine_part() {
  static const cosine part;
  return part;
}

}  // namespace cotscale::detail
