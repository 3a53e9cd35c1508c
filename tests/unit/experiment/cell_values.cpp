// What the variables of a cell hold, and which of them are missing.
#include "cotscale/experiment/cell.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "cotscale/eval/baselines.hpp"
#include "cotscale/eval/roll_out.hpp"
#include "cotscale/experiment/selection.hpp"
#include "cotscale/model/pseudo_newton.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "unit/experiment/cells.hpp"

namespace cotscale {
namespace {

TEST(cell_computer, leaves_what_a_model_does_not_have_missing) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  const cell_values closed = alone(spec, grid, find(grid, "closed", "mine"));
  const cell_values learned = alone(spec, grid, find(grid, "learned", "mine"));
  const auto all_missing = [](const cell_values& r, const char* name) {
    const std::vector<double> values = r.doubles(name);
    return !values.empty() && std::all_of(values.begin(), values.end(), [](double x) { return std::isnan(x); });
  };
  for (const char* name : {"training_distance", "training_off_slice", "newton_slope"}) {
    EXPECT_TRUE(all_missing(closed, name)) << name;
  }
  for (const char* name : {"gradient_norm", "step_size_paper", "newton_r2"}) EXPECT_TRUE(all_missing(learned, name));
  for (const char* name : {"error_mean", "theory_limit", "predicted_error", "baseline_error", "task_probability"}) {
    EXPECT_FALSE(all_missing(closed, name)) << name;
    EXPECT_FALSE(all_missing(learned, name)) << name;
  }
}

TEST(cell_computer, leaves_out_what_the_grid_does_not_have) {
  const specification spec = make({{"test.baselines", "false"},
                                   {"models.learned.keep_weights", "false"},
                                   {"theory.draws", "0"},
                                   {"sweep.mixtures", "[\"matched\", \"mine\"]"}});
  const coordinates grid = make_coordinates(spec);
  const cell_values r = alone(spec, grid, find(grid, "learned", "matched"));
  EXPECT_FALSE(r.has("baseline_error"));
  EXPECT_FALSE(r.has("v"));
  EXPECT_EQ(r.integers("predicted_best_k"), (std::vector<std::int64_t>{-1, -1}));
  for (const double e : r.doubles("predicted_error")) EXPECT_TRUE(std::isnan(e));
  ASSERT_EQ(r.doubles("task_probability").size(), 4U);
  for (const double p : r.doubles("task_probability"))
    EXPECT_TRUE(std::isnan(p)) << "matched is not made of candidates";
}

TEST(cell_computer, evaluates_baselines_on_the_test_prompts_of_the_cell) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  const cell_values r = alone(spec, grid, find(grid, "closed", "matched", 3, 1));
  const covariance sigma = target_covariance(spec, 4);
  const std::size_t ks = grid.k.size();
  for (std::size_t i = 0; i < grid.m.size(); ++i) {
    const int m = static_cast<int>(grid.m[i]);
    const wishart_prompts prompts(sigma, m, test_prompt_key(spec, 4, 1, m));
    auto expected = evaluate_baselines(baselines_for(false), {sigma, m, spec.steps}, prompts, spec.prompts, {});
    for (std::size_t b = 0; b < expected.size(); ++b) {
      const double parameter = r.doubles("baseline_parameter").at(b * grid.m.size() + i);
      EXPECT_TRUE(parameter == expected.at(b).parameter || std::isnan(expected.at(b).parameter));
      for (std::size_t k = 0; k < ks; ++k) {
        const auto row = expected.at(b).errors.row(expected.at(b).errors.rows == 1 ? 0 : static_cast<int>(k));
        const double mean = std::accumulate(row.begin(), row.end(), 0.0) / spec.prompts;
        EXPECT_NEAR(r.doubles("baseline_error").at((b * grid.m.size() + i) * ks + k) / mean, 1, 1e-12)
            << grid.baselines.at(b);
      }
    }
  }
}

TEST(cell_computer, stores_the_shares_of_the_candidates) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  EXPECT_EQ(alone(spec, grid, find(grid, "closed", "uniform")).doubles("task_probability"),
            (std::vector<double>{0.25, 0.25, 0.25, 0.25}));
  EXPECT_EQ(alone(spec, grid, find(grid, "closed", "mine")).doubles("task_probability"),
            (std::vector<double>{0.25, 0, 0.5, 0.25}))
      << "divided by their sum";
  const std::vector<double> selected =
      alone(spec, grid, find(grid, "closed", "selected", 3, 1)).doubles("task_probability");
  EXPECT_EQ(selected,
            candidate_probabilities(spec, "selected", *make_candidates(spec, 1), target_covariance(spec, 4), 4, 3, {}))
      << "every repeat has its own candidates";
  EXPECT_NE(selected, alone(spec, grid, find(grid, "closed", "selected", 3, 0)).doubles("task_probability"));
}

TEST(cell_computer, keeps_weights_of_the_models_that_ask_for_it) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  const cell_values kept = alone(spec, grid, find(grid, "learned", "matched"));
  for (const double x : kept.doubles("v")) EXPECT_TRUE(std::isfinite(x));
  EXPECT_EQ(kept.doubles("w").at(3 * 8 + 7), kept.value<double>("w24")) << "row d, last column";
  for (const double x : alone(spec, grid, find(grid, "closed", "matched")).doubles("v")) EXPECT_TRUE(std::isnan(x));
}

TEST(cell_computer, finds_the_best_k) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  const cell_values r = alone(spec, grid, find(grid, "closed", "skewed", 20));
  const std::size_t ks = grid.k.size();
  for (std::size_t i = 0; i < grid.m.size(); ++i) {
    const auto measured = r.of<double>("error_mean").begin() + static_cast<std::ptrdiff_t>(i * ks);
    const auto predicted = r.of<double>("predicted_error").begin() + static_cast<std::ptrdiff_t>(i * ks);
    const auto end = static_cast<std::ptrdiff_t>(ks);
    EXPECT_EQ(r.integers("best_k").at(i), std::min_element(measured, measured + end) - measured);
    EXPECT_EQ(r.integers("predicted_best_k").at(i), std::min_element(predicted, predicted + end) - predicted);
  }
}

// Of the prompts that a cell has, in which order the k stand, and how sure that is.
TEST(cell_computer, compares_every_k_with_the_best_one_on_the_same_prompts) {
  const specification spec = make({{"test.prompts", "400"}, {"sweep.mixtures", "[\"matched\"]"}});
  const coordinates grid = make_coordinates(spec);
  const cell c = find(grid, "closed", "matched", 20);
  const cell_values r = alone(spec, grid, c);
  const std::size_t ks = grid.k.size();
  for (std::size_t i = 0; i < grid.m.size(); ++i) {
    const auto best = static_cast<std::size_t>(r.integers("best_k").at(i));
    EXPECT_LE(r.integers("best_k_first").at(i), r.integers("best_k").at(i));
    EXPECT_GE(r.integers("best_k_last").at(i), r.integers("best_k").at(i));
    EXPECT_EQ(r.doubles("difference_stderr").at(i * ks + best), 0);
    // The same prompts at every k: rolled out here again.
    const wishart_prompts source(target_covariance(spec, c.hardness), static_cast<int>(grid.m[i]),
                                 test_prompt_key(spec, c.hardness, c.repeat, grid.m[i]));
    const matrix a = trained_preconditioner(target_covariance(spec, c.hardness), 20);
    error_table table = evaluate([&](const prompt_lanes& p, matrix& errors) { pseudo_newton(a, p, errors); },
                                 static_cast<int>(ks), source, spec.prompts, {});
    for (std::size_t k = 0; k < ks; ++k) {
      double sum = 0, squares = 0;
      for (std::size_t j = 0; j < 400; ++j) {
        const double difference = table.row(static_cast<int>(k))[j] - table.row(static_cast<int>(best))[j];
        sum += difference;
        squares += difference * difference;
      }
      const double expected = std::sqrt(std::max(0.0, squares - sum * sum / 400) / 399 / 400);
      EXPECT_NEAR(r.doubles("difference_stderr").at(i * ks + k), expected, 1e-6 * expected + 1e-12) << k;
    }
  }
}

}  // namespace
}  // namespace cotscale
