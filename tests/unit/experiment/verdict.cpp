// What the verdict says of right sweeps, and of those with a fault.
#include "cotscale/experiment/verdict.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/model/pseudo_newton.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The grid on which a threshold of four measured standard errors flagged 21 of 3,600 right cells at 2,000 prompts, and
// 202 of 400 at 2.
specification issue_grid(int repeats, int prompts, const std::string& mixtures = "['matched']", int steps = 1) {
  return parse_specification(
      fmt::format("[sweep]\nseed = 3\nmodels = ['lsa']\nmixtures = {}\nhardness = [4.0, 8.0, 16.0]\nn = [5, 50, 500]\n"
                  "repeats = {}\n[task]\nd = 4\n[test]\nk = {}\nm = [2, 3, 20]\nprompts = {}\nbaselines = false\n"
                  "[theory]\ndraws = 0\n[models.lsa]\narchitecture = 'lsa'\n",
                  mixtures, repeats, steps, prompts),
      "grid.toml", ".");
}

void append(const std::vector<double>& values, std::size_t steps, std::size_t kept, std::vector<double>& out) {
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

sweep_verdict verdict_of(const specification& spec) {
  score_collection collected(spec);
  cell_computer computer(spec, collected.grid());
  for (std::size_t i = 0; i < collected.grid().cell_count(); ++i) {
    const cell_values r = computer.compute(make_cell(collected.grid(), i), {});
    collected.add(r.doubles("exact_z"), r.doubles("simulated_z"), r.doubles("paired_distance"),
                  r.value<std::int8_t>("converged") != 0);
  }
  return collected.verdict();
}

// Prompts whose Ŝ is too large by this factor.
class scaled_prompts : public lane_source {
 public:
  scaled_prompts(const covariance& sigma, int m, stream_key key, double factor)
      : right_(sigma, m, key), root_(std::sqrt(factor)) {}
  void draw(std::uint64_t block, prompt_lanes& out) const override {
    right_.draw(block, out);
    for (double& x : out.factor.packed.values()) x *= root_;
  }

 private:
  wishart_prompts right_;
  double root_;
};

lane_errors newton(const matrix& a) {
  return [&a](const prompt_lanes& p, matrix& errors) { pseudo_newton(a, p, errors); };
}

// The verdict of a sweep in which every cell's Ŝ is wrong by a factor.
sweep_verdict verdict_of_scaled(const specification& spec, double factor) {
  score_collection collected(spec);
  cell_computer computer(spec, collected.grid());
  for (std::size_t i = 0; i < collected.grid().cell_count(); ++i) {
    const cell c = make_cell(collected.grid(), i);
    const covariance sigma = target_covariance(spec, c.hardness);
    const matrix a = computer.theory(c, {})->preconditioner;
    std::vector<double> exact, simulated, distance;
    for (const std::int64_t m : spec.m) {
      const null_prompts draws(sigma, static_cast<int>(m), null_draws(spec.d, spec.prompts),
                               null_key(spec, c.hardness, m));
      const null_distribution null = simulate_null(a, draws, spec.steps, {});
      const scaled_prompts source(sigma, static_cast<int>(m), test_prompt_key(spec, c.hardness, c.repeat, m), factor);
      error_table errors = evaluate(newton(a), spec.steps + 1, source, spec.prompts, {});
      const error_scores s = score_errors(errors, spec.steps, spec.d, &null, 0, spec.d);
      exact.insert(exact.end(), s.exact_z.begin(), s.exact_z.end());
      simulated.insert(simulated.end(), s.simulated_z.begin(), s.simulated_z.end());
      distance.insert(distance.end(), s.paired_distance.begin(), s.paired_distance.end());
    }
    collected.add(exact, simulated, distance);
  }
  return collected.verdict();
}

void expect_right(const sweep_verdict& v, const std::string& what) {
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

TEST(verdict, finds_a_roll_out_whose_covariance_is_one_percent_off) {
  const support::thread_scope one(1);
  const specification spec = issue_grid(2, 20'000, "['matched']", 2);
  const sweep_verdict right = verdict_of_scaled(spec, 1);
  expect_right(right, "right, 20,000 prompts");
  for (const double factor : {0.99, 1.01}) {
    const sweep_verdict wrong = verdict_of_scaled(spec, factor);
    fmt::print("Ŝ times {}: {} of {} flagged, at most {}; repeats together {} of {}\n", factor, wrong.first.flagged,
               wrong.first.made, wrong.first.limit, wrong.repeated.flagged, wrong.repeated.made);
    EXPECT_TRUE(wrong.first.alarming() || wrong.repeated.alarming());
  }
}

// m = 500 of d = 16: a single cell tells.
TEST(verdict, finds_one_percent_in_a_single_cell_of_long_prompts) {
  const support::thread_scope one(1);
  const specification spec = parse_specification(
      "[sweep]\nmodels = ['lsa']\nmixtures = ['matched']\nhardness = 20.0\nn = 80\n[task]\nd = 16\n[test]\nk = 4\n"
      "m = 500\nprompts = 20000\nbaselines = false\n[theory]\ndraws = 0\n[models.lsa]\narchitecture = 'lsa'\n",
      "cell.toml", ".");
  EXPECT_FALSE(verdict_of_scaled(spec, 1).first.alarming());
  EXPECT_TRUE(verdict_of_scaled(spec, 1.01).first.alarming());
  EXPECT_TRUE(verdict_of_scaled(spec, 0.99).first.alarming());
}

// A with singular direction j longer by `relative`.
matrix with_wrong_direction(const covariance& sigma, const matrix& a, int j, double relative) {
  const matrix axis = sigma.basis().block(0, j, sigma.dimension(), 1);
  matrix projector(sigma.dimension(), sigma.dimension());
  multiply(1, axis, transpose::no, axis, transpose::yes, 0, projector);
  return combination(1, a, relative, product(projector, a));
}

double largest_ratio(const matrix& a, const matrix& wrong, const covariance& sigma, int m, int prompts,
                     double tolerance, int k) {
  const wishart_prompts source(sigma, m, key_builder("test maps").add(m).key());
  error_table errors =
      evaluate(beside_exact(newton(wrong), paired_steps + 1, a), 2 * (paired_steps + 1), source, prompts, {});
  const error_scores s = score_errors(errors, paired_steps, sigma.dimension(), nullptr, tolerance, sigma.dimension());
  return s.paired_distance[static_cast<std::size_t>(k)] / allowed_distance(tolerance, k);
}

TEST(verdict, finds_a_map_that_is_two_percent_off_in_one_direction) {
  const support::thread_scope one(1);
  for (const double hardness : {4.0, 16.0, 1e6}) {
    const specification spec = parse_specification(
        fmt::format("[sweep]\nmodels = ['lsa']\nmixtures = ['matched']\nhardness = {:.1f}\nn = 5\n[task]\nd = 4\n"
                    "[target]\nrotation = 'independent'\n[test]\nk = 3\nm = 20\nprompts = 100\n"
                    "[models.lsa]\narchitecture = 'lsa'\n",
                    hardness),
        "map.toml", ".");
    const covariance sigma = target_covariance(spec, hardness);
    for (const int n : {5, 50, 500}) {
      const matrix a = trained_preconditioner(sigma, n);
      for (const int m : {2, 3, 20, n}) {  // m = n: A is the best map, so that its mean error does not move at first
        for (int k = 1; k <= paired_steps; ++k) {
          SCOPED_TRACE(fmt::format("hardness {}, n {}, m {}, k {}", hardness, n, m, k));
          for (int j = 0; j < 4; ++j) {
            const matrix wrong = with_wrong_direction(sigma, a, j, 0.02);
            EXPECT_GT(largest_ratio(a, wrong, sigma, m, 2000, 1e-10, k), 5) << "direction " << j;
          }
          EXPECT_EQ(largest_ratio(a, a, sigma, m, 200, 1e-10, k), 0);
        }
      }
    }
  }
}

TEST(verdict, allows_a_map_to_be_off_by_its_tolerance) {
  const support::thread_scope one(1);
  const covariance sigma({2.0, 1.0, 0.5, 0.1}, random_rotation(4, key_builder("test tolerance").key()));
  for (const double tolerance : {1e-2, 1e-5}) {
    for (const int m : {2, 20, 500}) {
      matrix a = trained_preconditioner(sigma, 20), off = a;
      for (int j = 0; j < 4; ++j) off = with_wrong_direction(sigma, off, j, j % 2 == 0 ? tolerance : -tolerance);
      for (int k = 1; k <= paired_steps; ++k) EXPECT_LT(largest_ratio(a, off, sigma, m, 2000, tolerance, k), 1);
      EXPECT_GT(largest_ratio(a, off, sigma, m, 2000, tolerance / 100, 1), 1) << "it is a difference";
    }
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
