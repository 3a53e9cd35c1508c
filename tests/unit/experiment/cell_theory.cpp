// Cells against theory, and two ways to the same numbers against each other.
#include "cotscale/experiment/cell.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cotscale/theory/closed_forms.hpp"
#include "unit/experiment/cells.hpp"

namespace cotscale {
namespace {

TEST(cell_computer, predicts_with_as_many_draws_as_prompts_and_with_more_when_alone) {
  const auto draws = [&](const char* prompts, bool without_measurement) {
    const specification spec = make({{"theory.draws", "50"}, {"test.prompts", prompts}, {"test.k", "12"}});
    const coordinates grid = make_coordinates(spec);
    cell_computer computer(spec, grid);
    if (without_measurement) computer.predict_alone({});
    return computer.theory(find(grid, "closed", "matched", 20), {})->predictions.at(1).draws;
  };
  EXPECT_EQ(draws("16", false), 50);
  EXPECT_LE(draws("120", false), 120);
  EXPECT_GT(draws("120", false), 50);
  EXPECT_GT(draws("16", true), 120);
}

TEST(cell_computer, trains_mixtures_of_candidates_to_what_theory_expects) {
  const specification spec = make({{"test.prompts", "4000"},
                                   {"test.m", "[1, 3, 40]"},
                                   {"sweep.mixtures", "[\"mine\", \"uniform\", \"exact\"]"},
                                   {"test.baselines", "false"}});
  const coordinates grid = make_coordinates(spec);
  cell_computer computer(spec, grid);
  for (const char* mixture : {"mine", "uniform", "exact"}) {
    for (const std::int64_t repeat : {0, 1}) {
      for (const std::int64_t n : grid.n) {
        const cell c = find(grid, "population", mixture, n, repeat);
        const cell_values r = computer.compute(c, {});
        SCOPED_TRACE(describe(c));
        EXPECT_EQ(r.value<std::int8_t>("converged"), 1);
        EXPECT_LT(r.value<double>("preconditioner_error"), 1e-6);
        const auto drawn = std::count_if(r.of<double>("task_probability").begin(),
                                         r.of<double>("task_probability").end(), [](double p) { return p > 0; });
        EXPECT_EQ(std::isnan(r.value<double>("step_size_paper")), drawn > 1)
            << "the paper's step is one of a single task";
        for (std::size_t i = 0; i < grid.m.size(); ++i) {
          EXPECT_LT(std::abs(r.doubles("z_score").at(i * grid.k.size())), 5) << "k = 0, m = " << grid.m[i];
          EXPECT_LT(std::abs(r.doubles("z_score").at(i * grid.k.size() + 1)), 5) << "k = 1, m = " << grid.m[i];
        }
        // The exact value is that of the mixture's own minimiser.
        const std::shared_ptr<const candidate_tasks> candidates = make_candidates(spec, repeat);
        const matrix a =
            trained_preconditioner(task_mixture(candidates->tasks, r.doubles("task_probability")), static_cast<int>(n));
        const covariance sigma = target_covariance(spec, c.hardness);
        EXPECT_NEAR(r.doubles("theory_error").at(1) / one_step_error(a, sigma, 1), 1, 1e-9);
        EXPECT_NEAR(r.value<double>("spectral_radius"), limit_spectral_radius(a, sigma), 1e-9);
      }
    }
  }
}

// Whether means that are not of the same prompts agree.
void expect_agreement(double a, double a_error, double b, double b_error, const std::string& what) {
  EXPECT_LT(std::abs(a - b), 4.5 * std::hypot(a_error, b_error)) << what << ": " << a << ", " << b;
}

TEST(cell_computer, agrees_between_both_samplers) {
  for (const char* m : {"[2]", "[3]", "[12]"}) {
    const std::vector<override_key> common{
        {"test.prompts", "6000"}, {"test.m", m}, {"sweep.mixtures", "[\"skewed\"]"}, {"test.k", "3"}};
    const auto result = [&](const char* sampler) {
      std::vector<override_key> overrides = common;
      overrides.push_back({"test.sampler", sampler});
      const specification spec = make(overrides);
      const coordinates grid = make_coordinates(spec);
      return alone(spec, grid, find(grid, "closed", "skewed", 20));
    };
    const cell_values direct = result("wishart");
    const cell_values examples = result("explicit");
    EXPECT_NE(direct.doubles("error_mean"), examples.doubles("error_mean")) << "they must be two samplers";
    for (std::size_t k = 0; k <= 3; ++k) {
      expect_agreement(direct.doubles("error_mean").at(k), direct.doubles("error_stderr").at(k),
                       examples.doubles("error_mean").at(k), examples.doubles("error_stderr").at(k),
                       "k = " + std::to_string(k));
    }
    for (std::size_t i = 0; i < direct.doubles("baseline_error").size(); ++i) {
      if (direct.doubles("baseline_error").at(i) < 1e-8) continue;  // nothing but rounding, or the bias of ridge
      expect_agreement(direct.doubles("baseline_error").at(i), direct.doubles("baseline_stderr").at(i),
                       examples.doubles("baseline_error").at(i), examples.doubles("baseline_stderr").at(i),
                       "baseline " + std::to_string(i / 4));
    }
  }
}

TEST(cell_computer, rolls_out_the_definition_on_the_prompts_of_the_others) {
  const specification spec = make({{"models.closed.roll_out", "definition"}, {"sweep.mixtures", "[\"matched\"]"}});
  ASSERT_EQ(resolved_sampler(spec), sampler_method::explicit_examples);
  const coordinates grid = make_coordinates(spec);
  cell_computer computer(spec, grid);
  const cell_values slow = computer.compute(find(grid, "closed", "matched"), {});
  const cell_values fast = computer.compute(find(grid, "population", "matched"), {});
  for (std::size_t i = 0; i < slow.doubles("error_mean").size(); ++i) {
    EXPECT_NEAR(slow.doubles("error_mean").at(i) / fast.doubles("error_mean").at(i), 1, 1e-6) << i;
  }
}

}  // namespace
}  // namespace cotscale
