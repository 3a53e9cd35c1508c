// What cells share must not show in what they compute.
#include "cotscale/experiment/cell.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <stop_token>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "cotscale/base/stop.hpp"
#include "cotscale/eval/baselines.hpp"
#include "cotscale/eval/roll_out.hpp"
#include "cotscale/experiment/selection.hpp"
#include "cotscale/model/pseudo_newton.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "cotscale/theory/prediction.hpp"
#include "support/threads.hpp"

namespace cotscale {
namespace {

constexpr const char* text = R"([sweep]
seed = 5
models = ["population", "closed", "learned"]
mixtures = ["matched", "skewed", "uniform", "selected", "mine"]
hardness = [4.0, 9.0]
n = [3, 20]
repeats = 2
[task]
d = 3
[target]
rotation = "shared"
[tasks]
exponents = [0.2, 1.0]
directions = [2, 3]
each = 1
[test]
k = 4
m = [2, 9]
prompts = 37
[theory]
draws = 5
[models.population]
architecture = "lsa"
tolerance = 1e-9
[models.closed]
architecture = "lsa"
training = "closed_form"
c = -0.5
[models.learned]
architecture = "lsa"
training = "samples"
steps = 12
batch = 16
keep_weights = true
[mixtures.mine]
probabilities = [1, 0, 2, 1]
)";

specification make(const std::vector<override_key>& overrides = {}) {
  return parse_specification(text, "test.toml", ".", overrides);
}

// A cell by its values, wherever it stands.
cell find(const coordinates& grid, const std::string& model, const std::string& mixture, std::int64_t n = 3,
          std::int64_t repeat = 0) {
  cell wanted{
      .position = {}, .model = model, .mixture = mixture, .hardness = grid.hardness.front(), .n = n, .repeat = repeat};
  wanted.position = find_cell(grid, wanted).value();
  return wanted;
}

// The first variable in which two results differ, bit by bit; empty if there is none.
std::string difference(const cell_values& a, const cell_values& b) {
  for (const variable_slot& slot : a.schema()->slots()) {
    const auto x = a.bytes_of(slot), y = b.bytes_of(slot);
    if (!std::equal(x.begin(), x.end(), y.begin(), y.end())) return slot.declared.name;
  }
  return "";
}

cell_values alone(const specification& spec, const coordinates& grid, const cell& c) {
  return compute_cell(spec, grid, c, std::stop_token());
}

TEST(cell_computer, computes_what_each_cell_computes_alone_in_any_order) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  const std::size_t count = grid.cell_count();
  ASSERT_EQ(count, 3U * 5 * 2 * 2 * 2);
  std::vector<cell_values> expected;
  for (std::size_t i = 0; i < count; ++i) expected.push_back(alone(spec, grid, make_cell(grid, i)));
  for (const std::size_t stride : {std::size_t{1}, count - 1, std::size_t{7}, std::size_t{49}}) {
    ASSERT_EQ(std::gcd(stride, count), 1U) << "every cell comes once";
    const support::thread_scope scope(stride == 7 ? 3 : 1);
    cell_computer computer(spec, grid);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t number = (i + 1) * stride % count;
      const cell c = make_cell(grid, number);
      EXPECT_EQ(difference(computer.compute(c, {}), expected[number]), "") << describe(c) << ", stride " << stride;
    }
  }
}

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

// ---- what differs between cells, and what does not ----

TEST(cell_computer, has_the_same_baselines_for_all_models_mixtures_and_n) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  cell_computer computer(spec, grid);
  const cell_values first = computer.compute(find(grid, "population", "matched"), {});
  for (const auto& [model, mixture, n] :
       {std::tuple("learned", "matched", 3), std::tuple("closed", "mine", 3), std::tuple("population", "skewed", 20)}) {
    const cell_values other = computer.compute(find(grid, model, mixture, n), {});
    EXPECT_EQ(other.doubles("baseline_error"), first.doubles("baseline_error"));
    EXPECT_EQ(other.doubles("baseline_median"), first.doubles("baseline_median"));
    EXPECT_NE(other.doubles("error_mean"), first.doubles("error_mean"));
  }
  EXPECT_NE(computer.compute(find(grid, "population", "matched", 3, 1), {}).doubles("baseline_error"),
            first.doubles("baseline_error"))
      << "other test prompts";
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

TEST(cell_computer, trains_learned_models_anew_for_every_repeat_and_others_once) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  cell_computer computer(spec, grid);
  const auto loss = [&](const char* model, const char* mixture, std::int64_t repeat) {
    return computer.compute(find(grid, model, mixture, 3, repeat), {}).value<double>("final_loss");
  };
  EXPECT_EQ(loss("population", "matched", 0), loss("population", "matched", 1));
  EXPECT_NE(loss("learned", "matched", 0), loss("learned", "matched", 1));
  EXPECT_NE(loss("population", "mine", 0), loss("population", "mine", 1)) << "other candidates are drawn";
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

// ---- against theory ----

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

TEST(cell_computer, stops_when_asked_and_computes_again_afterwards) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  cell_computer computer(spec, grid);
  std::stop_source stop;
  stop.request_stop();
  const cell c = find(grid, "learned", "mine");
  EXPECT_THROW(computer.compute(c, stop.get_token()), stopped);
  EXPECT_EQ(difference(computer.compute(c, {}), alone(spec, grid, c)), "") << "nothing half done is kept";
}

}  // namespace
}  // namespace cotscale
