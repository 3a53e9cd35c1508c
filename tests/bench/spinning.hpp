// Sweeps whose cells spin instead of computing, with a payload of a real sweep's size, to measure all that is not
// computing.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "bench.hpp"
#include "cotscale/experiment/cost_model.hpp"
#include "cotscale/run/run.hpp"

namespace cotscale::bench {

/// `cells` equal cells, k = 0 … 30 and three m each, that the schedule takes to need `seconds` each: as many prompts as
/// that takes.
inline specification spinning_cells(int cells, double seconds) {
  const auto with_prompts = [&](double prompts) {
    return parse_specification(
        fmt::format(
            "[sweep]\nname = 'spinning'\nseed = 1\nmodels = ['lsa']\nmixtures = ['matched']\n"
            "hardness = [10.0]\nn = [20]\nrepeats = {}\n[task]\nd = 10\n[test]\nk = 30\n"
            "m = [40, 200, 1000]\nprompts = {:.0f}\n[models.lsa]\narchitecture = 'lsa'\ntraining = 'closed_form'\n",
            cells, prompts),
        "spinning.toml", ".");
  };
  constexpr double some = 10'000;
  const specification spec = with_prompts(some);
  const double estimate = cost_model(spec).estimate(make_cell(make_coordinates(spec), 0), 1).seconds;
  return with_prompts(std::ceil(some * seconds / estimate));
}

/// A result of the right shape.
inline cell_values blank_result(const coordinates& grid) {
  cell_values r(make_schema(grid));
  for (const variable_slot& slot : r.schema()->slots()) {
    if (slot.declared.type != value_type::f64) continue;
    const std::span<double> values = r.of<double>(slot.declared.name);
    std::fill(values.begin(), values.end(), 1.0);
  }
  return r;
}

/// When this rank computed, from the first cell on or from a given time.
class timeline {
 public:
  timeline() = default;
  explicit timeline(double start) : start_(start), last_(start) {}
  /// Spins for so long.
  void compute(double seconds) {
    const double begin = wall_seconds();
    if (last_ == 0) start_ = last_ = begin;
    longest_gap_ = std::max(longest_gap_, begin - last_);
    spin(seconds);
    last_ = wall_seconds();
    busy_ += last_ - begin;
  }
  /// Share of the time until the last cell's end in which nothing was computed.
  double idle_share() const { return 1 - busy_ / (last_ - start_); }
  double longest_gap() const { return longest_gap_; }

 private:
  double start_ = 0, last_ = 0, busy_ = 0, longest_gap_ = 0;
};

}  // namespace cotscale::bench
