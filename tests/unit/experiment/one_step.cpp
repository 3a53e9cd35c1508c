// The one place where everything meets an exact answer: specification, tasks, training, prompts, roll-outs and
// statistics against E‖w_1 − w‖², which is known for any m and any pair of covariances.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/experiment/specification.hpp"
#include "support/dice.hpp"

namespace cotscale {
namespace {

using support::dice;

constexpr int settings = 60;

std::string random_spectrum(dice& draw, int d) {
  if (draw.one_of<int>({0, 1}) == 0) {
    return fmt::format("spectrum = \"power_law\"\nexponent = {:.3f}\nscale = \"trace\"\n", draw.between(0, 1.5));
  }
  std::vector<std::string> values;
  std::string list;
  for (int j = 0; j < d; ++j) list += fmt::format("{}{:.3f}", j == 0 ? "" : ", ", draw.between(0.2, 2));
  return fmt::format("spectrum = \"list\"\neigenvalues = [{}]\n", list);
}

// Every d from 1 to 30 comes twice.
std::string random_setting(int number) {
  dice draw(static_cast<std::uint64_t>(number));
  const int d = 1 + number % 30;
  const bool own_spectrum = draw.one_of<int>({0, 1, 1}) == 0;
  const std::string hardness =
      own_spectrum ? "" : fmt::format("hardness = {:.3f}\n", d == 1 ? 1 : d * draw.between(1, 4));
  const auto rotation = [&] { return draw.one_of<std::string>({"none", "shared", "independent", "independent"}); };
  const auto mixture = draw.one_of<std::string>({"matched", "matched", "isotropic", "skewed", "mine", "mine"});
  return fmt::format(
      "[sweep]\nseed = {}\nmodels = [\"lsa\"]\nmixtures = [\"{}\"]\nn = {}\n{}"
      "[task]\nd = {}\n[target]\nrotation = \"{}\"\n{}[mixtures.mine]\nrotation = \"{}\"\n{}"
      "[test]\nk = 1\nm = {}\nprompts = 4000\nbaselines = false\n[theory]\ndraws = 0\n"
      "[models.lsa]\narchitecture = \"lsa\"\ntraining = \"{}\"\nroll_out = \"{}\"\nc = {}\n",
      number, mixture, draw.one_of<int>({1, 2, 3, 7, 17, 40, 100}), hardness, d, rotation(),
      own_spectrum ? random_spectrum(draw, d) : "", rotation(), random_spectrum(draw, d),
      draw.one_of<int>({1, 2, 3, 8, 31, 64 + 1}), draw.one_of<std::string>({"population", "population", "closed_form"}),
      draw.one_of<std::string>({"recursion", "recursion", "recursion", "definition"}),
      draw.one_of<double>({1, -1, 0.3, -2}));
}

cell_values compute(const std::string& text) {
  const specification spec = parse_specification(text, "setting", ".");
  const coordinates grid = make_coordinates(spec);
  return compute_cell(spec, grid, make_cell(grid, 0), std::stop_token());
}

const std::vector<cell_values>& all_results() {
  static const std::vector<cell_values> results = [] {
    std::vector<cell_values> out;
    out.reserve(settings);
    for (int i = 0; i < settings; ++i) out.push_back(compute(random_setting(i)));
    return out;
  }();
  return results;
}

TEST(one_step, is_exact_within_four_standard_errors) {
  for (int i = 0; i < settings; ++i) {
    const cell_values& result = all_results()[static_cast<std::size_t>(i)];
    SCOPED_TRACE(random_setting(i));
    EXPECT_LT(std::abs(result.doubles("z_score").at(0)), 4) << "k = 0: " << result.doubles("error_mean")[0];
    EXPECT_LT(std::abs(result.doubles("z_score").at(1)), 4)
        << "k = 1: " << result.doubles("error_mean")[1] << ", exact " << result.doubles("theory_error")[1];
    EXPECT_GT(result.doubles("error_stderr")[1], 0);
  }
}

// The squares of standard normal scores have mean 1 ± √(2/settings): neither too wide nor too narrow.
TEST(one_step, has_standard_errors_of_the_right_size) {
  for (const std::size_t k : {0U, 1U}) {
    double squares = 0;
    for (const cell_values& result : all_results()) squares += std::pow(result.doubles("z_score").at(k), 2);
    EXPECT_NEAR(squares / settings, 1, 4 * std::sqrt(2.0 / settings)) << "k = " << k;
  }
}

TEST(one_step, has_trained_the_model_that_the_exact_value_assumes) {
  for (int i = 0; i < settings; ++i) {
    const cell_values& result = all_results()[static_cast<std::size_t>(i)];
    SCOPED_TRACE(random_setting(i));
    EXPECT_EQ(result.value<std::int8_t>("converged"), 1);
    EXPECT_LT(result.value<double>("preconditioner_error"), 1e-8);
  }
}

// With short prompts the limit m → ∞ is wrong, and so is the exact value for a prompt of another length.
TEST(one_step, would_not_pass_with_another_value) {
  int limit_rejected = 0;
  for (const cell_values& result : all_results()) {
    if (std::abs(result.doubles("error_mean")[1] - result.doubles("theory_limit").at(1)) >
        4 * result.doubles("error_stderr")[1])
      ++limit_rejected;
  }
  EXPECT_GT(limit_rejected, settings / 2);
}

}  // namespace
}  // namespace cotscale
