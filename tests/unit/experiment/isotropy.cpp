// Sweeps in which everything is isotropic: when their prompts are drawn in bidiagonal form, and that cells then say
// what they say in full.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "cotscale/experiment/cost_model.hpp"
#include "cotscale/experiment/identity.hpp"
#include "support/refusal.hpp"
#include "unit/experiment/cells.hpp"

namespace cotscale {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string isotropic_sweep = R"([sweep]
models = ["descended", "closed"]
mixtures = ["matched", "isotropic", "mine", "other"]
n = [3, 20]
[task]
d = 6
[target]
spectrum = "list"
eigenvalues = [1.5, 1.5, 1.5, 1.5, 1.5, 1.5]
rotation = "shared"
[test]
k = 5
m = [4, 30]
prompts = 2000
[models.descended]
architecture = "lsa"
keep_weights = true
[models.closed]
architecture = "lsa"
training = "closed_form"
[mixtures.mine]
spectrum = "power_law"
exponent = 0
[mixtures.other]
rotation = "independent"
spectrum = "exponential"
rate = 0
scale = "trace"
)";

specification parsed(const std::vector<override_key>& overrides = {}, const std::string& more = "") {
  return parse_specification(isotropic_sweep + more, "isotropic.toml", ".", overrides);
}

sampler_method sampler_of(const std::vector<override_key>& overrides, const std::string& more = "") {
  return resolved_sampler(parsed(overrides, more));
}

TEST(isotropy, decides_the_sampler_of_a_whole_sweep) {
  using enum sampler_method;
  EXPECT_EQ(sampler_of({}), bidiagonal);
  EXPECT_THAT(to_toml(parsed()), HasSubstr("sampler = 'bidiagonal'")) << "what was chosen is recorded";
  EXPECT_EQ(to_toml(parse_specification(to_toml(parsed()), "again", ".")), to_toml(parsed()));
  EXPECT_EQ(sampler_of({{"test.sampler", "wishart"}}), wishart);
  EXPECT_EQ(sampler_of({{"target.scale", "trace"}}), bidiagonal);
  const auto on_axis = [&](const std::string& hardness) {
    std::string text = isotropic_sweep;
    const std::size_t begin = text.find("spectrum"), end = text.find("rotation");
    text.erase(begin, end - begin);
    return resolved_sampler(parse_specification(text, "axis.toml", ".", {{"sweep.hardness", hardness}}));
  };
  EXPECT_EQ(on_axis("6.0"), bidiagonal);
  EXPECT_EQ(on_axis("[6.0, 6.1]"), wishart) << "one target is not isotropic";
}

TEST(isotropy, is_broken_by_one_mixture_model_or_key) {
  using enum sampler_method;
  const std::vector<std::vector<override_key>> broken{{{"sweep.mixtures", "['matched', 'skewed']"}},
                                                      {{"mixtures.mine.exponent", "1e-9"}},
                                                      {{"mixtures.other.rate", "0.1"}},
                                                      {{"mixtures.mine.features", "rademacher"}},
                                                      {{"target.features", "rademacher"}},
                                                      {{"target.eigenvalues", "[1.5, 1.5, 1.5, 1.5, 1.5, 1.4999999]"}},
                                                      {{"task.noise", "0.1"}},
                                                      {{"task.weights", "sparse"}, {"task.nonzero", "2"}},
                                                      {{"models.closed.training", "samples"}},
                                                      {{"models.closed.roll_out", "definition"}}};
  for (const std::vector<override_key>& overrides : broken) {
    EXPECT_NE(sampler_of(overrides), bidiagonal) << overrides.front().key;
    std::vector<override_key> asked = overrides;
    asked.push_back({"test.sampler", "bidiagonal"});
    EXPECT_THAT(support::refusal_of([&] { parsed(asked); }),
                AllOf(HasSubstr("test.sampler is \"bidiagonal\", for which everything must be isotropic"),
                      HasSubstr("; remove it")))
        << overrides.front().key;
  }
  EXPECT_THAT(support::refusal_of([&] {
                parsed({{"test.sampler", "bidiagonal"}, {"models.closed.training", "samples"}});
              }),
              HasSubstr("models.closed makes more of its prompts"));
  EXPECT_THAT(support::refusal_of([&] {
                parsed({{"test.sampler", "bidiagonal"}, {"mixtures.mine.exponent", "1"}});
              }),
              HasSubstr("mixtures.mine.spectrum has eigenvalues that differ"));
}

TEST(isotropy, is_of_all_combinations_of_varied_keys_with_one_target) {
  using enum sampler_method;
  const specification models =
      parsed({}, "[sweep.axes]\n\"models.closed.training\" = [\"closed_form\", \"samples\"]\n");
  ASSERT_EQ(models.variants.size(), 2U);
  for (const auto& variant : models.variants) EXPECT_EQ(resolved_sampler(*variant), wishart) << "prompts are common";
  EXPECT_EQ(resolved_sampler(models), wishart);
  const specification mixtures = parsed({}, "[sweep.axes]\n\"mixtures.mine.exponent\" = [0, 1]\n");
  for (const auto& variant : mixtures.variants) EXPECT_EQ(resolved_sampler(*variant), wishart);
  const specification targets = parsed({}, "[sweep.axes]\n\"task.noise\" = [0, 0.5]\n");
  EXPECT_EQ(resolved_sampler(*targets.variants[0]), bidiagonal) << "no prompts are common";
  EXPECT_EQ(resolved_sampler(*targets.variants[1]), wishart);
  for (const specification& spec : {models, mixtures, targets}) {
    const specification again = parse_specification(to_toml(spec), "again", ".");
    EXPECT_EQ(to_toml(again), to_toml(spec));
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(resolved_sampler(*again.variants[i]), resolved_sampler(*spec.variants[i]));
    }
  }
}

TEST(isotropy, allows_millions_of_dimensions_and_says_what_does_not) {
  const std::vector<override_key> many{{"task.d", "1000000"}, {"target.spectrum", "power_law"}};
  const auto refusal = [&](const std::vector<override_key>& more) {
    std::string text = isotropic_sweep;
    const std::size_t at = text.find("eigenvalues");
    text.replace(at, text.find('\n', at) - at, "exponent = 0");
    std::vector<override_key> all = many;
    all.insert(all.end(), more.begin(), more.end());
    return support::refusal_of([&] { parse_specification(text, "many.toml", ".", all); });
  };
  EXPECT_EQ(refusal({}), "no exception");
  EXPECT_THAT(refusal({{"task.d", "20000000"}}), HasSubstr("task.d must be at most 10000000"));
  EXPECT_THAT(
      refusal({{"sweep.mixtures", "skewed"}}),
      AllOf(HasSubstr("task.d is 1000000; beyond 20000 everything must be isotropic"), HasSubstr("\"skewed\"")));
  EXPECT_THAT(refusal({{"models.closed.training", "samples"}}), HasSubstr("models.closed makes more"));
  EXPECT_THAT(refusal({{"test.sampler", "wishart"}}), HasSubstr("test.sampler is \"wishart\""));
  EXPECT_EQ(refusal({{"test.sampler", "wishart"}, {"task.d", "20000"}}), "no exception");
}

TEST(isotropy, memory_does_not_grow_with_dimensions_unless_weights_are_kept) {
  const auto spec_of = [](int d, bool keep) {
    return parse_specification(
        fmt::format(
            "[sweep]\nmodels = ['lsa']\nmixtures = ['matched']\nhardness = {}.0\nn = 5\n[task]\nd = {}\n[test]\n"
            "k = 3\nm = {}\nprompts = 100\n[models.lsa]\narchitecture = 'lsa'\nkeep_weights = {}\n",
            d, d, 10 * d, keep),
        "memory.toml", ".");
  };
  EXPECT_EQ(least_bytes(spec_of(10, false)), least_bytes(spec_of(1'000'000, false)));
  EXPECT_GT(least_bytes(spec_of(1'000'000, true)), 1e14);
  const specification large = spec_of(1'000'000, false);
  const coordinates grid = make_coordinates(large);
  EXPECT_LT(cost_model(large).estimate(make_cell(grid, 0), 2).bytes, 10'000'000U);
  EXPECT_LT(make_schema(grid)->bytes_of_cell(), 100'000U);
}

// Every variable of a cell that prompts have no part in, and those that they have within their standard errors.
TEST(isotropy, cells_say_what_they_say_in_full) {
  const specification own = parsed(), full = parsed({{"test.sampler", "wishart"}});
  const coordinates grid = make_coordinates(own);
  ASSERT_TRUE(is_scalar(own));
  for (std::size_t number = 0; number < grid.cell_count(); ++number) {
    const cell c = make_cell(grid, number);
    SCOPED_TRACE(describe(c));
    cell_values a = alone(own, grid, c), b = alone(full, grid, c);
    for (const char* name : {"theory_limit", "theory_bound", "theory_error", "spectral_radius", "final_loss",
                             "step_size", "step_size_paper", "w24", "preconditioner", "v", "w", "training_loss",
                             "predicted_error", "predicted_stderr"}) {
      if (!a.has(name)) continue;
      const std::span<double> x = a.of<double>(name), y = b.of<double>(name);
      ASSERT_EQ(x.size(), y.size()) << name;
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (std::isnan(x[i]) && std::isnan(y[i])) continue;
        EXPECT_NEAR(x[i], y[i], 1e-12 * (1 + std::abs(y[i]))) << name << " " << i;
      }
    }
    EXPECT_EQ(a.of<std::int64_t>("training_steps")[0], b.of<std::int64_t>("training_steps")[0]);
    for (const auto& [mean, error] : {std::pair{"error_mean", "error_stderr"}, {"baseline_error", "baseline_stderr"}}) {
      const std::span<double> x = a.of<double>(mean), y = b.of<double>(mean);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double spread = std::hypot(a.of<double>(error)[i], b.of<double>(error)[i]);
        // Where a chain diverges in a few prompts its mean is theirs, and says nothing: medians are compared below.
        // Gradient descent goes by the best step of each.
        if (spread > 0.02 * y[i] && std::string(mean) == "error_mean") continue;
        if (std::string(mean) == "baseline_error") {
          EXPECT_LT(std::abs(x[i] - y[i]), 0.5 * (x[i] + y[i]) + 1e-6) << mean << " " << i;
        } else {
          EXPECT_LT(std::abs(x[i] - y[i]), 5 * spread + 1e-9) << mean << " " << i;
        }
      }
    }
    const std::span<double> x = a.of<double>("error_median"), y = b.of<double>("error_median");
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_LT(std::abs(std::log(x[i] / y[i])), 0.25) << "median " << i;
    EXPECT_NE(a.of<double>("error_mean")[1], b.of<double>("error_mean")[1]) << "or they were drawn alike";
  }
}

TEST(isotropy, cells_of_other_samplers_have_other_identities) {
  const specification own = parsed(), full = parsed({{"test.sampler", "wishart"}});
  const coordinates grid = make_coordinates(own);
  const cell_identities a(own, grid), b(full, grid);
  EXPECT_NE(a.of(make_cell(grid, 0)), b.of(make_cell(grid, 0)));
  EXPECT_EQ(a.of(make_cell(grid, 0)),
            cell_identities(parsed({{"test.sampler", "bidiagonal"}}), grid).of(make_cell(grid, 0)));
}

}  // namespace
}  // namespace cotscale
