#include "cotscale/experiment/grid.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "unit/experiment/grids.hpp"

namespace cotscale {
namespace {

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
  spec.mixture_tables["target"].task = spec.target;
  const covariance sigma = target_covariance(spec, 8);
  EXPECT_FALSE(commute(sigma, mixture_covariance(spec, "target", sigma)));
}

TEST(grid, a_rotation_of_a_mixtures_own_follows_from_what_its_table_says) {
  specification spec = make("[target]\nrotation = \"independent\"");
  const auto list = [&](const std::string& eigenvalues) {
    return make("[target]\nspectrum = \"list\"\nrotation = \"independent\"\neigenvalues = " + eigenvalues, "").target;
  };
  spec.mixture_tables["one"].task = list("[4, 2, 1, 1]");
  spec.mixture_tables["same"].task = list("[4, 2, 1, 1]");
  spec.mixture_tables["other"].task = list("[4, 3, 1, 1]");
  const covariance sigma = target_covariance(spec, 8);
  const auto basis = [&](const std::string& mixture) { return mixture_covariance(spec, mixture, sigma).basis(); };
  EXPECT_EQ(basis("one"), basis("same"));
  EXPECT_NE(basis("one"), basis("other"));
  EXPECT_NE(basis("one"), basis("skewed"));
  EXPECT_NE(basis("one"), sigma.basis());
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

TEST(grid, keys_of_different_purposes_and_cells_differ) {
  const specification spec = make("");
  const coordinates grid = make_coordinates(spec);
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  std::size_t count = 0;
  const auto add = [&](stream_key key) {
    seen.insert({key.low, key.high});
    ++count;
  };
  std::map<std::tuple<double, std::int64_t, std::int64_t>, stream_key> training;  // hardness, n, repeat
  for (std::size_t i = 0; i < grid.cell_count(); ++i) {
    const cell c = make_cell(grid, i);
    const auto [known, first] = training.try_emplace({c.hardness, c.n, c.repeat}, training_key(spec, c));
    EXPECT_EQ(training_key(spec, c), known->second) << "models and mixtures have common random numbers";
  }
  for (const auto& [of, key] : training) add(key);
  for (const double hardness : grid.hardness) {
    for (const std::int64_t m : grid.m) {
      add(prediction_key(spec, hardness, m));
      for (const std::int64_t repeat : grid.repeats) add(test_prompt_key(spec, hardness, repeat, m));
    }
    add(selection_key(spec, hardness));
    add(fresh_selection_key(spec, hardness));
  }
  EXPECT_EQ(seen.size(), count);
}

TEST(grid, cells_are_found_by_their_values) {
  const coordinates grid = make_coordinates(make(""));
  for (std::size_t i = 0; i < grid.cell_count(); ++i) {
    cell c = make_cell(grid, i);
    c.position = {9, 9, 9, 9, 9};  // not what is looked at
    EXPECT_EQ(find_cell(grid, c), make_cell(grid, i).position);
  }
  for (const auto& spoil : std::vector<void (*)(cell&)>{
           [](cell& c) { c.model = "other"; }, [](cell& c) { c.mixture = "mine"; }, [](cell& c) { c.hardness = 5.5; },
           [](cell& c) { c.n = 5; }, [](cell& c) { c.repeat = 2; }}) {
    cell c = make_cell(grid, 7);
    spoil(c);
    EXPECT_FALSE(find_cell(grid, c).has_value());
  }
}

TEST(grid, has_the_axes_of_what_is_computed) {
  const coordinates plain = make_coordinates(make(""));
  EXPECT_EQ(plain.baselines, (std::vector<std::string>{"least_squares", "ridge", "gradient_descent", "oracle"}));
  EXPECT_TRUE(plain.tasks.empty());
  EXPECT_TRUE(plain.rows.empty());
  specification spec = make("");
  spec.baselines = false;
  spec.model_tables.at("lsa").keep_weights = true;
  const coordinates other = make_coordinates(spec);
  EXPECT_TRUE(other.baselines.empty());
  EXPECT_EQ(other.rows, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  specification learning = make("training = \"samples\"\nsteps = 100\n");
  EXPECT_EQ(make_coordinates(learning).training_steps, (std::vector<std::int64_t>{0, 1, 2, 4, 8, 16, 32, 64}));
  learning.record_every = 30;
  EXPECT_EQ(make_coordinates(learning).training_steps, (std::vector<std::int64_t>{0, 30, 60, 90}));
  learning = make("training = \"samples\"\nsteps = 200000\n");
  learning.record_every = 1;
  EXPECT_THAT([&] { make_coordinates(learning); },
              testing::ThrowsMessage<specification_error>(testing::HasSubstr("sweep.record_every is 1, which makes")));
}

// ---- weights ----

specification with_transformers(const std::string& other) {
  return parse_specification(
      "[sweep]\nmodels = [\"a\", \"b\"]\nmixtures = [\"matched\"]\nn = [3, 4]\nhardness = 5\n[task]\nd = 4\n"
      "[test]\nk = 1\nm = 3\nprompts = 3\n"
      "[models.a]\narchitecture = \"gpt2\"\nsize = \"tiny\"\nkeep_weights = true\n"
      "[models.b]\narchitecture = \"gpt2\"\nkeep_weights = true\n" +
          other,
      "test.toml", ".");
}

TEST(grid, transformers_of_one_shape_share_their_variables) {
  const coordinates grid = make_coordinates(with_transformers("size = \"tiny\"\nobjective = \"direct\"\nsteps = 7\n"));
  ASSERT_FALSE(grid.weights.empty());
  EXPECT_EQ(grid.weights.front().name, "read_in.weight");
  EXPECT_EQ(grid.weights.front().shape, (std::vector<std::uint64_t>{64, 5}));
  EXPECT_EQ(grid.weights.front().dimensions, (std::vector<std::string>{"embedding", "token_entry"}));
  EXPECT_EQ(grid.weights.at(2).name, "wpe.weight");
  EXPECT_EQ(grid.weights.at(2).shape, (std::vector<std::uint64_t>{2 * 4 + 1, 64})) << "of the largest n";
}

TEST(grid, transformers_of_several_shapes_have_variables_of_their_own) {
  const coordinates shared = make_coordinates(with_transformers("size = \"tiny\"\n"));
  const coordinates grid = make_coordinates(with_transformers("size = \"free\"\nlayers = 1\nheads = 2\nwidth = 8\n"));
  ASSERT_GT(grid.weights.size(), shared.weights.size());
  EXPECT_EQ(grid.weights.front().name, "a.read_in.weight");
  EXPECT_EQ(grid.weights.front().dimensions, (std::vector<std::string>{"a.embedding", "a.token_entry"}));
  const weight_variable& other = grid.weights.at(shared.weights.size());
  EXPECT_EQ(other.name, "b.read_in.weight");
  EXPECT_EQ(other.shape, (std::vector<std::uint64_t>{8, 5}));
}

}  // namespace
}  // namespace cotscale
