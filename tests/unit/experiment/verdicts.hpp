// The verdict of a sweep whose cells a test computes, and what it says of a sweep without faults.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/experiment/verdict.hpp"

namespace cotscale {

// The grid on which a threshold of four measured standard errors flagged 21 of 3,600 right cells at 2,000 prompts, and
// 202 of 400 at 2.
inline specification issue_grid(int repeats, int prompts, const std::string& mixtures = "['matched']", int steps = 1) {
  return parse_specification(
      fmt::format("[sweep]\nseed = 3\nmodels = ['lsa']\nmixtures = {}\nhardness = [4.0, 8.0, 16.0]\nn = [5, 50, 500]\n"
                  "repeats = {}\n[task]\nd = 4\n[test]\nk = {}\nm = [2, 3, 20]\nprompts = {}\nbaselines = false\n"
                  "[theory]\ndraws = 0\n[models.lsa]\narchitecture = 'lsa'\n",
                  mixtures, repeats, steps, prompts),
      "grid.toml", ".");
}

inline void append(const std::vector<double>& values, std::size_t steps, std::size_t kept, std::vector<double>& out) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % steps < kept) out.push_back(values[i]);
  }
}

// Scores as the program reads them from a file.
class score_collection {
 public:
  explicit score_collection(const specification& spec) : spec_(spec), grid_(make_coordinates(spec)) {
    scores_ = scores_of(spec, grid_);
  }
  const coordinates& grid() const { return grid_; }
  void add(const std::vector<double>& exact, const std::vector<double>& simulated, const std::vector<double>& distance,
           bool counts = true) {
    append(exact, grid_.k.size(), 2, scores_.exact_z);
    append(simulated, grid_.k.size(), most_compared_steps + 1, scores_.simulated_z);
    append(distance, grid_.k.size(), paired_steps + 1, scores_.paired_distance);
    scores_.counts.push_back(counts ? 1 : 0);
  }
  sweep_verdict verdict() const { return judge(scores_); }

 private:
  const specification& spec_;
  coordinates grid_;
  sweep_scores scores_;
};

inline sweep_verdict verdict_of(const specification& spec) {
  score_collection collected(spec);
  cell_computer computer(spec, collected.grid());
  for (std::size_t i = 0; i < collected.grid().cell_count(); ++i) {
    const cell_values r = computer.compute(make_cell(collected.grid(), i), {});
    collected.add(r.doubles("exact_z"), r.doubles("simulated_z"), r.doubles("paired_distance"),
                  r.value<std::int8_t>("converged") != 0);
  }
  return collected.verdict();
}

inline void expect_right(const sweep_verdict& v, const std::string& what) {
  fmt::print(
      "{}: {} of {} flagged, chance gives {:.1f}, at most {}, score {:.2f}; repeats together {} of {}, score "
      "{:.2f}; maps {} of {}, ratio {:.2g}\n",
      what, v.first.flagged, v.first.made, v.first.expected, v.first.limit, v.first.score, v.repeated.flagged,
      v.repeated.made, v.repeated.score, v.maps.differing, v.maps.compared, v.maps.ratio);
  EXPECT_LE(v.first.flagged, v.first.limit) << what;
  EXPECT_LE(v.repeated.flagged, v.repeated.limit) << what;
  EXPECT_FALSE(v.first.alarming()) << what;
  EXPECT_FALSE(v.repeated.alarming()) << what;
  EXPECT_EQ(v.maps.differing, 0U) << what;
}

}  // namespace cotscale
