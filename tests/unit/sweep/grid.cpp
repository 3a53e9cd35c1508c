#include "cotscale/sweep/grid.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "cotscale/linalg/blas.hpp"

namespace cotscale {
namespace {

specification make(const std::string& target, const std::string& hardness = "hardness = [5.0, 8.0]",
                   const std::string& mixtures = "") {
  return parse_specification(
      "[sweep]\nmodels = [\"lsa\"]\nmixtures = [\"matched\", \"skewed\", \"isotropic\"]\nn = [3, 4]\nrepeats = 2\n" +
          hardness + "\n[task]\nd = 4\n[test]\nk = 2\nm = [5, 6]\nprompts = 3\n[models.lsa]\narchitecture = \"lsa\"\n" +
          target + "\n" + mixtures,
      "test.toml", ".");
}

bool commute(const covariance& a, const covariance& b) {
  const matrix ab = product(a.values(), b.values());
  return frobenius_norm(combination(1, ab, -1, product(b.values(), a.values()))) < 1e-12;
}

TEST(grid, has_every_combination_once) {
  const coordinates grid = make_coordinates(make(""));
  EXPECT_EQ(grid.cell_count(), 1U * 3 * 2 * 2 * 2);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < grid.cell_count(); ++i) seen.insert(describe(make_cell(grid, i)));
  EXPECT_EQ(seen.size(), grid.cell_count());
  EXPECT_EQ(grid.k, (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(grid.training_steps.front(), 0);
  EXPECT_EQ(grid.training_steps[1], 1);
}

TEST(grid, targets_of_the_hardness_axis_have_that_hardness_and_trace_d) {
  for (const char* rotation : {"none", "shared", "independent"}) {
    const specification spec = make(std::string("[target]\nrotation = \"") + rotation + "\"");
    for (const double hardness : {5.0, 8.0}) {
      const covariance sigma = target_covariance(spec, hardness);
      EXPECT_NEAR(sigma.hardness(), hardness, 1e-10);
      EXPECT_NEAR(trace(sigma.values()), 4, 1e-12);
    }
  }
}

TEST(grid, rotations_decide_what_commutes) {
  const auto pair = [](const char* rotation) {
    const specification spec = make(std::string("[target]\nrotation = \"") + rotation + "\"");
    const covariance sigma = target_covariance(spec, 8);
    return std::pair(sigma, mixture_covariance(spec, "skewed", sigma));
  };
  const auto [plain, plain_skewed] = pair("none");
  EXPECT_EQ(plain.values()(0, 1), 0) << "no rotation: diagonal";
  const auto [shared, shared_skewed] = pair("shared");
  EXPECT_NE(shared.values()(0, 1), 0);
  EXPECT_TRUE(commute(shared, shared_skewed));
  const auto [own, own_skewed] = pair("independent");
  EXPECT_FALSE(commute(own, own_skewed));
}

TEST(grid, built_in_mixtures_are_what_they_are_called) {
  const specification spec = make("");
  const covariance sigma = target_covariance(spec, 8);
  EXPECT_EQ(mixture_covariance(spec, "matched", sigma).values(), sigma.values());
  EXPECT_EQ(mixture_covariance(spec, "isotropic", sigma).values(), matrix::identity(4));
  const covariance skewed = mixture_covariance(spec, "skewed", sigma);
  EXPECT_NEAR(skewed.values()(0, 0) / skewed.values()(3, 3), 4, 1e-12);  // λ_j ∝ 1/j
  EXPECT_NEAR(skewed.trace(), 4, 1e-12);
}

TEST(grid, a_target_with_its_own_spectrum_decides_the_hardness_coordinate) {
  const coordinates grid = make_coordinates(make("[target]\nspectrum = \"list\"\neigenvalues = [4, 2, 1, 1]", ""));
  EXPECT_EQ(grid.hardness, (std::vector<double>{8}));
  const coordinates singular = make_coordinates(make("[target]\nspectrum = \"list\"\neigenvalues = [4, 2, 1, 0]", ""));
  EXPECT_EQ(singular.hardness.front(), INFINITY);
  EXPECT_EQ(singular.target_support_hardness, (std::vector<double>{7}));
}

TEST(grid, a_mixture_does_not_change_with_the_target) {
  const specification spec = make("[target]\nrotation = \"independent\"");
  EXPECT_EQ(mixture_covariance(spec, "skewed", target_covariance(spec, 5)).values(),
            mixture_covariance(spec, "skewed", target_covariance(spec, 8)).values());
}

TEST(grid, a_mixture_called_target_has_a_basis_of_its_own) {
  specification spec =
      make("[target]\nrotation = \"independent\"\nspectrum = \"list\"\neigenvalues = [4, 2, 1, 1]", "");
  spec.mixture_tables["target"] = spec.target;
  const covariance sigma = target_covariance(spec, 8);
  EXPECT_FALSE(commute(sigma, mixture_covariance(spec, "target", sigma)));
}

TEST(grid, custom_mixtures_are_scaled_when_asked) {
  const specification spec = parse_specification(
      "[sweep]\nmodels = [\"lsa\"]\nmixtures = [\"mine\"]\nn = 3\nhardness = 4\n[task]\nd = 4\n[test]\nk = 2\nm = "
      "5\nprompts = "
      "3\n[models.lsa]\narchitecture = \"lsa\"\n[mixtures.mine]\nspectrum = \"list\"\neigenvalues = [8, 4, 2, "
      "2]\nscale = "
      "\"trace\"\n",
      "test.toml", ".");
  const covariance lambda = mixture_covariance(spec, "mine", target_covariance(spec, 4));
  EXPECT_NEAR(lambda.trace(), 4, 1e-12);
  EXPECT_NEAR(lambda.values()(0, 0), 2, 1e-12);
}

TEST(grid, test_prompts_depend_on_seed_target_repeat_and_m_only) {
  const specification spec = make("");
  const stream_key key = test_prompt_key(spec, 8, 0, 5);
  EXPECT_NE(key, test_prompt_key(spec, 5, 0, 5));
  EXPECT_NE(key, test_prompt_key(spec, 8, 1, 5));
  EXPECT_NE(key, test_prompt_key(spec, 8, 0, 6));
  specification other = spec;
  other.seed = 1;
  EXPECT_NE(key, test_prompt_key(other, 8, 0, 5));
  other = spec;
  other.mixtures = {"skewed"};
  other.n = {99};
  other.hardness = {8, 9, 10};
  other.steps = 50;
  EXPECT_EQ(key, test_prompt_key(other, 8, 0, 5)) << "a grid can grow";
}

}  // namespace
}  // namespace cotscale
