// What the verdict says of right sweeps.
#include "cotscale/experiment/verdict.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "cotscale/experiment/cell.hpp"
#include "support/threads.hpp"
#include "unit/experiment/verdicts.hpp"

namespace cotscale {
namespace {

TEST(verdict, of_right_cells_flags_no_more_than_chance_does) {
  const support::thread_scope one(1);
  for (const int prompts : {2, 50, 500}) {
    const specification spec = issue_grid(30, prompts);
    expect_right(verdict_of(spec), fmt::format("{} prompts", prompts));
  }
  expect_right(verdict_of(issue_grid(2, 300, "['matched', 'isotropic', 'skewed']", 20)), "chains of 20 steps");
}

// A prompt in hundreds is far off here (a kurtosis of 60 to 230), and 800 draws may lack such prompts: the mean of 50
// was then held against too small a deviation, up to 10 of them away, in 6 of 12 right sweeps.
TEST(verdict, of_few_prompts_with_heavy_tails_raises_no_alarm) {
  const support::thread_scope one(1);
  for (const int seed : {4, 6, 9, 14}) {
    const specification spec = parse_specification(
        fmt::format("[sweep]\nseed = {}\nmodels = ['lsa']\nmixtures = ['matched']\nhardness = [30.0, 200.0, 5000.0]\n"
                    "n = 5\nrepeats = 1200\n[task]\nd = 3\n[test]\nk = 1\nm = 4\nprompts = 50\nbaselines = false\n"
                    "[theory]\ndraws = 0\n[models.lsa]\narchitecture = 'lsa'\ntraining = 'closed_form'\n",
                    seed),
        "tails.toml", ".");
    expect_right(verdict_of(spec), fmt::format("seed {}", seed));
  }
}

// The whole grid, 10,800 cells of two mixtures with 32,400 comparisons of a first step.
TEST(verdict, of_ten_thousand_right_cells_flags_no_more_than_chance_does) {
  if (std::getenv("COTSCALE_LONG") == nullptr) GTEST_SKIP() << "COTSCALE_LONG is not set";
  for (const int prompts : {2, 50, 2000}) {
    const support::thread_scope one(1);
    expect_right(verdict_of(issue_grid(600, prompts, "['matched', 'isotropic']")), fmt::format("{} prompts", prompts));
  }
}

TEST(verdict, of_the_definition_and_the_recursion_is_the_same) {
  const support::thread_scope one(1);
  for (const std::string roll_out : {"definition", "recursion"}) {
    const specification spec = parse_specification(
        fmt::format("[sweep]\nmodels = ['lsa']\nmixtures = ['matched']\nhardness = 5.0\nn = 10\n[task]\nd = 3\n[test]\n"
                    "k = 5\nm = 8\nprompts = 1000\nsampler = 'explicit'\nbaselines = false\n[theory]\ndraws = 0\n"
                    "[models.lsa]\narchitecture = 'lsa'\ntraining = 'closed_form'\nroll_out = '{}'\n",
                    roll_out),
        "definition.toml", ".");
    const cell_values r = compute_cell(spec, make_coordinates(spec), make_cell(make_coordinates(spec), 0), {});
    for (std::size_t k = 1; k <= 3; ++k) EXPECT_LT(r.doubles("paired_distance")[k], 1e-12) << roll_out;
    EXPECT_TRUE(std::isnan(r.doubles("paired_distance")[0]) && std::isnan(r.doubles("paired_distance")[4]));
    EXPECT_TRUE(std::isfinite(r.doubles("exact_z")[0]) && std::isfinite(r.doubles("exact_z")[1]) &&
                std::isnan(r.doubles("exact_z")[2]));
    EXPECT_TRUE(std::isfinite(r.doubles("simulated_z")[2]) && std::isnan(r.doubles("simulated_z")[3]) &&
                std::isfinite(r.doubles("simulated_z")[4]));
  }
}

// What is learned from samples has no null distribution; how far it is from the exact map is still told.
TEST(verdict, of_training_from_samples_is_information) {
  const specification spec = parse_specification(
      "[sweep]\nmodels = ['lsa']\nmixtures = ['matched']\nhardness = 5.0\nn = 10\n[task]\nd = 3\n[test]\nk = 2\nm = 8\n"
      "prompts = 400\nbaselines = false\n[theory]\ndraws = 0\n[models.lsa]\narchitecture = 'lsa'\ntraining = "
      "'samples'\n"
      "steps = 20\nbatch = 8\n",
      "samples.toml", ".");
  const cell_values r = compute_cell(spec, make_coordinates(spec), make_cell(make_coordinates(spec), 0), {});
  EXPECT_TRUE(std::isfinite(r.doubles("exact_z")[0]) && std::isnan(r.doubles("exact_z")[1]) &&
              std::isnan(r.doubles("simulated_z")[1]));
  EXPECT_GT(r.doubles("paired_difference")[1], 4 * r.doubles("paired_stderr")[1])
      << "twenty steps do not reach the optimum";
  EXPECT_GT(r.doubles("paired_distance")[1], 0.01);
  score_collection collected(spec);
  collected.add(r.doubles("exact_z"), r.doubles("simulated_z"), r.doubles("paired_distance"));
  EXPECT_EQ(collected.verdict().maps.compared, 0U);
  EXPECT_EQ(collected.verdict().first.made, 1U);
}

}  // namespace
}  // namespace cotscale
