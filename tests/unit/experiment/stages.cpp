// Models that are trained in several stages ([[models.NAME.stages]]).
#include "cotscale/experiment/stages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/cost_model.hpp"
#include "cotscale/experiment/grid.hpp"
#include "cotscale/experiment/verdict.hpp"

namespace cotscale {
namespace {

constexpr const char* text = R"([sweep]
seed = 5
models = ["staged", "single", "listed"]
mixtures = ["matched", "skewed"]
hardness = 6.0
n = 7
[task]
d = 3
[test]
k = 3
m = [2, 9]
prompts = 40
[theory]
draws = 5
[models.staged]
architecture = "lsa"
keep_weights = true
[[models.staged.stages]]
training = "closed_form"
[[models.staged.stages]]
training = "samples"
mixture = "mine"
steps = 9
batch = 8
[[models.staged.stages]]
training = "samples"
objective = "outcome"
optimizer = "sgd"
k_train = 2
steps = 5
batch = 4
learning_rate = 1e-4
[models.single]
architecture = "lsa"
training = "samples"
steps = 11
batch = 8
[models.listed]
architecture = "lsa"
[[models.listed.stages]]
training = "samples"
steps = 11
batch = 8
[mixtures.mine]
spectrum = "power_law"
exponent = 0.5
)";

specification make(const std::string& from = text) { return parse_specification(from, "test.toml", "."); }

// The number of the cell of a model and a mixture.
std::size_t number_of(const coordinates& grid, std::size_t model, std::size_t mixture) {
  return cell_number(grid, {model, mixture, 0, 0, 0});
}

TEST(stages, are_cells_of_their_mixtures) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  EXPECT_EQ(grid.stages, (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(most_stages(spec), 3U);
  EXPECT_EQ(all_mixtures(spec), (std::vector<std::string>{"matched", "skewed", "mine"}));
  const cell c = make_cell(grid, number_of(grid, 0, 1));
  EXPECT_EQ(at_stage(spec, c, 0).mixture, "skewed");
  EXPECT_EQ(at_stage(spec, c, 1).mixture, "mine");
  EXPECT_EQ(describe(at_stage(spec, c, 2)), describe(grid, number_of(grid, 0, 1), 2));
  EXPECT_EQ(training_key(spec, at_stage(spec, c, 0)), training_key(spec, c));
  EXPECT_NE(training_key(spec, at_stage(spec, c, 2)), training_key(spec, c));
}

TEST(stages, of_a_varied_mixture_are_asked_for_where_it_is_trained_on) {
  std::string varied = text;
  varied.replace(varied.find("mixture = \"mine\""), 16, "");
  varied.replace(varied.find("[task]"), 6,
                 "[sweep.axes]\n\"mixtures.mine.exponent\" = [0.5, 1]\n\"models.staged.stages[1].mixture\" = "
                 "[\"skewed\", \"mine\"]\n[task]");
  const specification spec = make(varied);
  const coordinates grid = make_coordinates(spec);
  for (std::size_t model = 0; model < 3; ++model) {
    for (std::size_t exponent = 0; exponent < 2; ++exponent) {
      for (std::size_t mixture = 0; mixture < 2; ++mixture) {
        const bool asked = model == 0 ? exponent == 0 || mixture == 1 : exponent == 0 && mixture == 0;
        EXPECT_EQ(is_asked_for(spec, grid, cell_number(grid, {model, 0, 0, 0, exponent, mixture, 0})), asked);
      }
    }
  }
}

TEST(stages, each_begins_with_the_weights_of_the_one_before) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  const cell c = make_cell(grid, number_of(grid, 0, 1));
  cell_computer computer(spec, grid);
  std::vector<tensor_values> weights;
  for (std::size_t s = 0; s < 3; ++s) {
    const cell stage = at_stage(spec, c, s);
    const task_mixture tasks(mixture_distribution(spec, stage.mixture, target_covariance(spec, c.hardness)));
    const auto theory = computer.optimum(stage, {});
    weights = training_of(spec, stage)
                  .train({.tasks = tasks,
                          .n = 7,
                          .key = training_key(spec, stage),
                          .optimum = theory->optimum,
                          .directions = theory->directions,
                          .target_unit = theory->units.target,
                          .mixture_unit = theory->units.mixture,
                          .record_steps = grid.training_steps,
                          .initial = s > 0 ? &weights : nullptr},
                         {})
                  ->tensors();
  }
  const cell_values result = computer.compute(c, {});
  for (const tensor_values& tensor : weights) {
    EXPECT_EQ(result.doubles(tensor.name), std::get<std::vector<double>>(tensor.values)) << tensor.name;
  }
  EXPECT_EQ(result.integers("training_steps"), (std::vector<std::int64_t>{0, 9, 5}));
}

TEST(stages, a_list_of_one_is_no_list) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  cell_computer computer(spec, grid);
  const auto checksum = [&](std::size_t model) {
    return computer.compute(make_cell(grid, number_of(grid, model, 0)), {}).checksum();
  };
  EXPECT_EQ(checksum(2), checksum(1));
  EXPECT_NE(checksum(0), checksum(1));
}

TEST(stages, of_the_population_loss_begin_with_the_theorems_weights) {
  const auto with = [](const std::string& training, const std::string& initialisation) {
    std::string out = text;
    const std::string keys = "keep_weights = true\n", first = "\"closed_form\"";
    out.replace(out.find(first), first.size(), "\"" + training + "\"\nmixture = \"mine\"");
    return out.insert(out.find(keys), "initialisation = \"" + initialisation + "\"\n");
  };
  for (const std::string training : {"population", "closed_form"}) {
    EXPECT_NO_THROW(make(with(training, "theorem")));
    EXPECT_THAT([&] { make(with(training, "random")); },
                testing::ThrowsMessage<specification_error>(testing::HasSubstr(
                    "models.staged.stages[0].training must be \"samples\" where the model has an initialisation")))
        << training;
  }
  EXPECT_NO_THROW(make(with("samples", "random")));
}

TEST(stages, costs_add_up) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  std::string shorter = text;
  shorter.replace(shorter.find("steps = 9"), 9, "steps = 900000");
  const cell c = make_cell(grid, number_of(grid, 0, 0));
  EXPECT_GT(cost_model(make(shorter)).estimate(c, 1).seconds, 100 * cost_model(spec).estimate(c, 1).seconds);
}

TEST(stages, are_judged_each) {
  const specification spec = make();
  const coordinates grid = make_coordinates(spec);
  sweep_scores scores = scores_of(spec, grid);
  const std::size_t rows = grid.cell_count() * 3 * grid.m.size();
  scores.counts.assign(grid.cell_count() * 3, 1);
  scores.exact_z.assign(rows * 2, 0.5);
  scores.simulated_z.assign(rows * 2, 0.5);
  scores.paired_distance.assign(rows * 2, 0);
  EXPECT_EQ(judge(scores).first.flagged, 0U);
  EXPECT_EQ(judge(scores).maps.compared, 2U) << "the first stage of two cells is trained to the optimum";
  const std::size_t wrong = (number_of(grid, 0, 1) * 3 + 0) * 2 + 1;  // cell, stage, m
  scores.exact_z[2 * wrong + 1] = 9;
  scores.paired_distance[2 * wrong + 1] = 1;
  const sweep_verdict verdict = judge(scores);
  EXPECT_EQ(verdict.first.flagged, 1U);
  EXPECT_EQ(verdict.maps.differing, 1U);
  for (const score_place& where : {verdict.first.where, verdict.maps.where}) {
    EXPECT_EQ(where.cell, number_of(grid, 0, 1));
    EXPECT_EQ(where.stage, 0U);
    EXPECT_EQ(where.m, 1U);
  }
  scores.exact_z[2 * (wrong + 4) + 1] = -20;
  EXPECT_EQ(judge(scores).first.where.stage, 2U);
  scores.counts[number_of(grid, 0, 1) * 3 + 2] = 0;
  EXPECT_EQ(judge(scores).first.where.stage, 0U) << "what is not done does not count";
}

}  // namespace
}  // namespace cotscale
