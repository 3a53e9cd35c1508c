// What the verdict says of sweeps with a fault: covariances and maps that are a little off.
#include "cotscale/experiment/verdict.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/pseudo_newton.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "support/threads.hpp"
#include "unit/experiment/verdicts.hpp"

namespace cotscale {
namespace {

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
    const covariance sigma = target_covariance(spec, hardness).in_full();
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

}  // namespace
}  // namespace cotscale
