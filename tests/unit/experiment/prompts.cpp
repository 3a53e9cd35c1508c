// Prompts of every kind that a specification can ask for, against the calibrated verdict: specification, training,
// prompts, roll-outs and null distributions meet here, with random settings.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <stop_token>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/experiment/specification.hpp"
#include "support/dice.hpp"

namespace cotscale {
namespace {

using support::dice;

constexpr int settings = 40;

// What a group of settings has in common: keys of `[task]` beside the noise, and of `[target]`.
struct kind_of_prompts {
  std::string name, task, target;
  bool noisy_only = false;
  bool rows = false;  ///< a data set of its own for every setting, in place of a hardness and a rotation
};

// Keys of a table with a data set of correlated columns that is drawn for the test, in a file of its own.
std::string random_rows(dice& draw, int d, const std::string& name) {
  const std::string path = testing::TempDir() + name + ".csv";
  std::ofstream file(path);
  for (int i = 0, count = 2 * d + draw.one_of<int>({1, 5, 40}); i < count; ++i) {
    double value = 0.3;
    for (int j = 0; j < d; ++j) {
      value = 0.5 * value + draw.between(-1, 1) * (draw.one_of<int>({1, 1, 1, 3}));
      file << (j > 0 ? "," : "") << value;
    }
    file << '\n';
  }
  return fmt::format("features = \"rows\"\nrows_file = \"{}\"\ncentre = {}\nrows_scale = \"{}\"\n", path,
                     draw.one_of<std::string>({"true", "false"}),
                     draw.one_of<std::string>({"none", "unit_variance", "trace"}));
}

std::string random_setting_of_rows(int number) {
  dice draw(static_cast<std::uint64_t>(number) + 5000);
  const int d = 2 + number % 9;
  const auto mixture = draw.one_of<std::string>({"matched", "isotropic", "gaussian", "others", "mine"});
  return fmt::format(
      "[sweep]\nseed = {}\nmodels = [\"lsa\"]\nmixtures = [\"{}\"]\nn = {}\n[task]\nd = {}\nnoise = {:.3f}\n"
      "[target]\n{}[mixtures.gaussian]\nfeatures = \"gaussian\"\n[mixtures.others]\n{}"
      "[mixtures.mine]\nspectrum = \"power_law\"\nexponent = {:.3f}\nscale = \"trace\"\nrotation = \"independent\"\n"
      "[test]\nk = 4\nm = {}\nprompts = 4000\nbaselines = false\n[theory]\ndraws = 0\n"
      "[models.lsa]\narchitecture = \"lsa\"\ntraining = \"{}\"\nc = {}\n",
      number, mixture, draw.one_of<int>({1, 2, 3, 7, 17, 40, 100}), d,
      draw.one_of<int>({0, 1}) == 1 ? draw.between(0.05, 2) : 0, random_rows(draw, d, "target_rows"),
      random_rows(draw, d, "other_rows"), draw.between(0, 1.5), draw.one_of<int>({1, 2, 3, 8, 31, 64 + 1}),
      draw.one_of<std::string>({"population", "closed_form"}), draw.one_of<double>({1, -1, 0.3, -2}));
}

std::string random_setting(const kind_of_prompts& kind, int number) {
  if (kind.rows) return random_setting_of_rows(number);
  dice draw(static_cast<std::uint64_t>(number) + 1000);
  const int d = 2 + number % 9;
  const auto rotation = [&] { return draw.one_of<std::string>({"none", "shared", "independent", "independent"}); };
  const auto mixture = draw.one_of<std::string>({"matched", "isotropic", "skewed", "mine", "mine"});
  const double noise = kind.noisy_only || draw.one_of<int>({0, 1}) == 1 ? draw.between(0.05, 2) : 0;
  return fmt::format(
      "[sweep]\nseed = {}\nmodels = [\"lsa\"]\nmixtures = [\"{}\"]\nn = {}\nhardness = {:.3f}\n"
      "[task]\nd = {}\nnoise = {:.3f}\n{}[target]\nrotation = \"{}\"\n{}[mixtures.mine]\nrotation = \"{}\"\n"
      "spectrum = \"power_law\"\nexponent = {:.3f}\nscale = \"trace\"\n"
      "[test]\nk = 4\nm = {}\nprompts = 4000\nbaselines = false\nsampler = \"{}\"\n[theory]\ndraws = 0\n"
      "[models.lsa]\narchitecture = \"lsa\"\ntraining = \"{}\"\nroll_out = \"{}\"\nc = {}\n",
      number, mixture, draw.one_of<int>({1, 2, 3, 7, 17, 40, 100}), d * draw.between(1, 4), d, noise, kind.task,
      rotation(), kind.target, rotation(), draw.between(0, 1.5), draw.one_of<int>({1, 2, 3, 8, 31, 64 + 1}),
      draw.one_of<std::string>({"auto", "explicit"}), draw.one_of<std::string>({"population", "closed_form"}),
      draw.one_of<std::string>({"recursion", "recursion", "recursion", "definition"}),
      draw.one_of<double>({1, -1, 0.3, -2}));
}

cell_values compute(const std::string& text) {
  const specification spec = parse_specification(text, "setting", "tests");
  const coordinates grid = make_coordinates(spec);
  return compute_cell(spec, grid, make_cell(grid, 0), std::stop_token());
}

// Squares of scores: of standard normal ones their mean is 1 ± √(2/count).
struct squared_scores {
  double sum = 0;
  int count = 0;
  void add(double z) {
    if (std::isnan(z)) return;
    sum += z * z;
    ++count;
  }
  void expect_normal(const std::string& what, int fewest) const {
    EXPECT_GE(count, fewest) << what;
    EXPECT_NEAR(sum / count, 1, 4 * std::sqrt(2.0 / count)) << what;
  }
};

class prompts_of : public testing::TestWithParam<kind_of_prompts> {};

TEST_P(prompts_of, have_the_errors_that_theory_says) {
  squared_scores start, first, simulated;
  for (int i = 0; i < settings; ++i) {
    const std::string text = random_setting(GetParam(), i);
    SCOPED_TRACE(text);
    const cell_values result = compute(text);
    const auto exact = result.doubles("exact_z"), chain = result.doubles("simulated_z");
    EXPECT_LT(std::abs(exact[0]), 4);
    EXPECT_FALSE(std::abs(exact[1]) > 4) << exact[1];
    for (const std::size_t k : {1U, 2U, 4U}) EXPECT_FALSE(std::abs(chain[k]) > 4) << "k = " << k << ": " << chain[k];
    EXPECT_EQ(result.value<std::int8_t>("converged"), 1);
    EXPECT_LT(result.value<double>("preconditioner_error"), 1e-8);
    start.add(exact[0]);
    first.add(exact[1]);
    simulated.add(chain[4]);
  }
  start.expect_normal("k = 0", settings);
  first.expect_normal("k = 1", settings / 2);
  simulated.expect_normal("k = 4", settings / 2);
}

const std::vector<kind_of_prompts> kinds{
    {.name = "noise", .task = "", .target = "", .noisy_only = true},
    {.name = "sparse_weights", .task = "weights = \"sparse\"\nnonzero = 2\n", .target = ""},
    {.name = "student_t", .task = "", .target = "features = \"student_t\"\ndegrees = 14\n"},
    {.name = "rademacher", .task = "", .target = "features = \"rademacher\"\n"},
    {.name = "rows", .task = "", .target = "", .rows = true},
};

INSTANTIATE_TEST_SUITE_P(kinds, prompts_of, testing::ValuesIn(kinds), [](const auto& kind) { return kind.param.name; });

// A single direction, by hand: Σ = 1, σ² = 0.5, n = 4, m = 2 give Γ = 1 + 1/n + (1 + σ²)/n, and one step A = 1/Γ has
// the error (1 − A)² + (2A² + σ²A²)/m.
TEST(noise, enters_the_optimum_and_the_expected_error) {
  const cell_values result = compute(
      "[sweep]\nmodels = [\"lsa\"]\nmixtures = [\"matched\"]\nn = 4\n[task]\nd = 1\nnoise = 0.5\n[target]\n"
      "spectrum = \"list\"\neigenvalues = [1]\n[test]\nk = 1\nm = 2\nprompts = 8\n[theory]\ndraws = 1\nmost_draws = 1\n"
      "[models.lsa]\narchitecture = \"lsa\"\ntraining = \"closed_form\"\n");
  const double a = 1 / (1 + 0.25 + 1.5 / 4);
  EXPECT_NEAR(result.doubles("theory_error")[1], (1 - a) * (1 - a) + (2 + 0.5) * a * a / 2, 1e-14);
  EXPECT_NEAR(result.doubles("theory_limit")[1], (1 - a) * (1 - a), 1e-14);
  EXPECT_TRUE(std::isnan(result.doubles("theory_bound")[1])) << "the corollary is for labels without noise";
}

// Σ and σ² in units of powers of two change no bit of what is trained and predicted.
TEST(noise, has_the_units_of_the_covariances) {
  const auto text = [](double factor) {
    return fmt::format(
        "[sweep]\nmodels = [\"lsa\"]\nmixtures = [\"mine\"]\nn = 4\n[task]\nd = 2\nnoise = {}\n[target]\n"
        "spectrum = \"list\"\neigenvalues = [{}, {}]\n[mixtures.mine]\nspectrum = \"list\"\neigenvalues = [{}, {}]\n"
        "[test]\nk = 2\nm = 2\nprompts = 8\n[theory]\ndraws = 0\n"
        "[models.lsa]\narchitecture = \"lsa\"\ntraining = \"closed_form\"\n",
        0.75 * factor, 1.5 * factor, 0.4 * factor, 0.3 * factor, 1.25 * factor);
  };
  const cell_values small = compute(text(0x1p-40)), large = compute(text(0x1p60));
  EXPECT_EQ(small.doubles("theory_error")[1], large.doubles("theory_error")[1]);
  EXPECT_EQ(small.value<double>("spectral_radius"), large.value<double>("spectral_radius"));
}

TEST(noise, changes_the_streams_of_test_prompts_only_where_there_is_some) {
  const auto key_of = [](const std::string& noise) {
    const specification spec = parse_specification(
        "[sweep]\nmodels = [\"lsa\"]\nmixtures = [\"matched\"]\nn = 4\nhardness = 5\n[task]\nd = 2\n" + noise +
            "[test]\nk = 2\nm = 2\nprompts = 8\n[models.lsa]\narchitecture = \"lsa\"\n",
        "setting", ".");
    return test_prompt_key(spec, 5, 0, 2);
  };
  const stream_key none = key_of(""), zero = key_of("noise = 0\n"), some = key_of("noise = 0.5\n");
  EXPECT_TRUE(none.low == zero.low && none.high == zero.high);
  EXPECT_FALSE(none.low == some.low && none.high == some.high);
}

TEST(noise, beyond_doubles_in_units_of_a_covariance_is_refused_and_below_them_is_none) {
  const auto text = [](const std::string& noise, const std::string& eigenvalue) {
    return "[sweep]\nmodels = [\"lsa\"]\nmixtures = [\"matched\"]\nn = 4\n[task]\nd = 1\nnoise = " + noise +
           "\n[target]\nspectrum = \"list\"\neigenvalues = [" + eigenvalue +
           "]\n[test]\nk = 1\nm = 2\nprompts = 8\n[theory]\ndraws = 0\n"
           "[models.lsa]\narchitecture = \"lsa\"\ntraining = \"closed_form\"\n";
  };
  EXPECT_THROW(make_coordinates(parse_specification(text("1e200", "1e-200"), "setting", ".")), specification_error);
  const cell_values result = compute(text("1e-200", "1e200"));
  const double a = 1 / (1 + 0.25 + 1.0 / 4);  // without noise
  EXPECT_NEAR(result.doubles("theory_error")[1], (1 - a) * (1 - a) + 2 * a * a / 2, 1e-14);
}

std::string with_features(const std::string& target, const std::string& mixture) {
  return "[sweep]\nmodels = [\"lsa\"]\nmixtures = [\"matched\", \"isotropic\", \"mine\"]\nn = 4\nhardness = 5\n"
         "[task]\nd = 2\n[target]\n" +
         target + "[mixtures.mine]\nspectrum = \"list\"\neigenvalues = [1, 2]\n" + mixture +
         "[test]\nk = 2\nm = 2\nprompts = 8\n[models.lsa]\narchitecture = \"lsa\"\n";
}

TEST(features, of_a_mixture_are_those_of_the_target_unless_it_says_others) {
  const auto words = [](const std::string& target, const std::string& mine) {
    const std::string text = with_features(target, mine);
    const specification spec =
        parse_specification(to_toml(parse_specification(text, "setting", ".")), "canonical", ".");
    EXPECT_EQ(to_toml(spec), to_toml(parse_specification(text, "setting", ".")));
    const covariance sigma = target_covariance(spec, 5);
    std::string out(target_distribution(spec, sigma).features->word());
    for (const std::string& mixture : spec.mixtures) {
      out += fmt::format(" {}", mixture_distribution(spec, mixture, sigma).features->word());
    }
    return out;
  };
  EXPECT_EQ(words("", ""), "gaussian gaussian gaussian gaussian");
  EXPECT_EQ(words("features = \"student_t\"\ndegrees = 9\n", ""), "student_t student_t student_t student_t");
  EXPECT_EQ(words("features = \"student_t\"\n", "features = \"gaussian\"\n"), "student_t student_t student_t gaussian");
  EXPECT_EQ(words("", "features = \"rademacher\"\n"), "gaussian gaussian gaussian rademacher");
}

TEST(features, that_are_not_gaussian_are_drawn_with_all_their_examples) {
  const std::string text = with_features("features = \"rademacher\"\n", "");
  EXPECT_EQ(resolved_sampler(parse_specification(text, "setting", ".")), sampler_method::explicit_examples);
  const std::size_t prompts = text.find("prompts = 8\n");
  std::string wishart = text;
  wishart.insert(prompts, "sampler = \"wishart\"\n");
  try {
    parse_specification(wishart, "setting", ".");
    ADD_FAILURE() << "was not refused";
  } catch (const specification_error& e) {
    EXPECT_NE(std::string(e.what()).find("test.sampler is \"wishart\", but target.features is \"rademacher\""),
              std::string::npos)
        << e.what();
  }
}

// For d = 1 every example is ±√λ, so that Ŝ = λ: one step of A = 1/λ is right but for rounding.
TEST(features, of_signs_are_learned_in_one_step_in_one_dimension) {
  const cell_values result = compute(
      "[sweep]\nmodels = [\"lsa\"]\nmixtures = [\"matched\"]\nn = 4\n[task]\nd = 1\n[target]\nspectrum = \"list\"\n"
      "eigenvalues = [3]\nfeatures = \"rademacher\"\n[test]\nk = 1\nm = 2\nprompts = 8\n[theory]\ndraws = 0\n"
      "[models.lsa]\narchitecture = \"lsa\"\ntraining = \"closed_form\"\n");
  EXPECT_NEAR(result.doubles("error_mean")[1], 0, 1e-25);
  EXPECT_NEAR(result.doubles("theory_error")[1], 0, 1e-14);
}

TEST(features, of_infinite_variance_have_no_score_of_one_step) {
  const auto score = [](const std::string& degrees) {
    const std::string text = with_features("features = \"student_t\"\ndegrees = " + degrees + "\n", "");
    const cell_values result = compute(text);
    EXPECT_TRUE(std::isfinite(result.doubles("theory_error")[1]));
    return result.doubles("z_score")[1];
  };
  EXPECT_TRUE(std::isnan(score("8")));
  EXPECT_FALSE(std::isnan(score("8.5")));
}

TEST(weights, that_are_sparse_are_no_more_than_there_are_dimensions) {
  std::string text = with_features("", "");
  text.insert(text.find("[target]"), "weights = \"sparse\"\nnonzero = 3\n");
  EXPECT_THROW(parse_specification(text, "setting", "."), specification_error);
}

}  // namespace
}  // namespace cotscale
