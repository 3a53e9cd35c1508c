// The decision on scores: which of them count once, and how many may be far off by chance.
#include "cotscale/experiment/verdict.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "cotscale/base/error.hpp"
#include "unit/experiment/verdicts.hpp"

namespace cotscale {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(score_errors, of_errors_that_diverge_is_infinite) {
  error_table errors{.rows = 4, .prompts = 40, .values = std::vector<double>(160, 1.0)};
  errors.row(1)[7] = infinity;
  errors.row(3)[7] = 2;
  null_distribution null;
  null.draws = 512;
  null.mean = null.deviation = 1;
  null.steps.push_back({.k = 1, .centre = 1, .mean = 0.5, .deviation = 0.3});
  const error_scores s = score_errors(errors, 1, 1, &null, 0, 1);
  EXPECT_EQ(s.exact_z[1], infinity);
  EXPECT_GT(s.simulated_z[1], 0);
  EXPECT_TRUE(std::isfinite(s.simulated_z[1]));
  EXPECT_EQ(s.paired_distance[1], infinity);
  errors.row(3)[7] = nan;
  EXPECT_EQ(score_errors(errors, 1, 1, &null, 0, 1).paired_distance[1], 0) << "both diverge";
}

// Two hardnesses, two repeats, two models that share prompts.
specification small() {
  return parse_specification(
      "[sweep]\nmodels = ['a', 'b']\nmixtures = ['matched']\nhardness = [3.0, 5.0]\nn = 7\nrepeats = 2\n[task]\nd = 2\n"
      "[test]\nk = 2\nm = 4\nprompts = 100\n[models.a]\narchitecture = 'lsa'\n"
      "[models.b]\narchitecture = 'lsa'\ntraining = 'closed_form'\n",
      "small.toml", ".");
}

TEST(judge, makes_one_decision_of_cells_that_share_prompts) {
  const specification spec = small();
  score_collection right(spec), one_wrong(spec), all_a_little(spec);
  for (std::size_t i = 0; i < 8; ++i) {
    right.add({0.5, 1, nan}, {nan, -1, 1}, {nan, 1e-12, 1e-12});
    one_wrong.add({0.5, i == 5 ? -9.0 : 1.0, nan}, {nan, -1, 1}, {nan, i == 5 ? 0.1 : 0.0, 0});
    all_a_little.add({0.5, 2.5, nan}, {nan, nan, nan}, {nan, nan, nan}, i != 7);
  }
  const sweep_verdict r = right.verdict(), w = one_wrong.verdict(), little = all_a_little.verdict();
  EXPECT_EQ(r.first.made, 4U) << "two hardnesses, two repeats";
  EXPECT_EQ(r.repeated.made, 2U);
  EXPECT_EQ(r.first.flagged + r.repeated.flagged + r.maps.differing, 0U);
  EXPECT_EQ(r.maps.compared, 8U);
  EXPECT_NEAR(r.first.smallest_p, 3 * p_value(1), 1e-12) << "the start counts once, each model's first step by itself";
  EXPECT_EQ(w.first.flagged, 1U);
  EXPECT_TRUE(w.first.alarming());
  EXPECT_EQ(w.first.where.cell, 5U);
  EXPECT_EQ(w.first.score, -9);
  EXPECT_EQ(w.maps.differing, 1U);
  EXPECT_EQ(w.maps.where.cell, 5U);
  EXPECT_EQ(little.first.flagged, 0U) << "3 scores, 2.5 is not much";
  EXPECT_NEAR(little.repeated.score, 2.5 * std::sqrt(2), 1e-12);
  EXPECT_EQ(little.repeated.flagged, 2U);
  EXPECT_TRUE(little.repeated.alarming());
}

TEST(judge, does_not_count_what_is_not_done) {
  const specification spec = small();
  score_collection none(spec);
  for (std::size_t i = 0; i < 8; ++i) none.add({9, 9, 9}, {9, 9, 9}, {9, 9, 9}, false);
  const sweep_verdict v = none.verdict();
  EXPECT_EQ(v.first.made + v.repeated.made + v.maps.compared, 0U);
  EXPECT_FALSE(v.first.alarming());
}

// R: qbinom(0.99, n, 0.01) = 0, 1, 4, 28, 124.
TEST(binomial_limit, is_the_quantile) {
  EXPECT_EQ(binomial_limit(0, 0.01, 0.01), 0U);
  EXPECT_EQ(binomial_limit(1, 0.01, 0.01), 0U);
  EXPECT_EQ(binomial_limit(9, 0.01, 0.01), 1U);
  EXPECT_EQ(binomial_limit(100, 0.01, 0.01), 4U);
  EXPECT_EQ(binomial_limit(1800, 0.01, 0.01), 28U);
  EXPECT_EQ(binomial_limit(10'000, 0.01, 0.01), 124U);
  EXPECT_THROW(binomial_limit(10, 0, 0.01), precondition_error);
}

}  // namespace
}  // namespace cotscale
