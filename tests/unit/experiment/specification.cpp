// Every way to get a specification wrong has a message that names the key, the line and what to do.
#include "cotscale/experiment/specification.hpp"
#include "cotscale/config/differences.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/hdf5/file.hpp"

namespace cotscale {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* valid = R"([sweep]
name = "test"
models = ["lsa"]
mixtures = ["matched", "mine"]
hardness = [5.0, 8]
n = [10, 20]

[task]
d = 4

[test]
k = 3
m = [5, 6]
prompts = 100

[models.lsa]
architecture = "lsa"

[mixtures.mine]
spectrum = "power_law"
exponent = 2
)";

specification parse(const std::string& text, const std::vector<override_key>& overrides = {}) {
  return parse_specification(text, "my.toml", ".", overrides);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string message(const std::string& text, const std::vector<override_key>& overrides = {}) {
  try {
    parse(text, overrides);
  } catch (const specification_error& e) {
    return e.what();
  }
  return "no exception";
}

std::string message_with(const std::string& from, const std::string& to) { return message(replaced(valid, from, to)); }

TEST(specification, reads_values_and_fills_in_defaults) {
  const specification spec = parse(valid);
  EXPECT_EQ(spec.d, 4);
  EXPECT_EQ(spec.hardness, (std::vector<double>{5, 8}));
  EXPECT_EQ(spec.repeats, 1);
  EXPECT_EQ(spec.model_tables.at("lsa").tolerance, 1e-10);
  EXPECT_EQ(spec.mixture_tables.at("mine").task.exponent, 2);
}

TEST(specification, a_number_may_stand_for_a_list_of_one) {
  EXPECT_EQ(parse(replaced(valid, "m = [5, 6]", "m = 5")).m, (std::vector<std::int64_t>{5}));
}

TEST(specification, its_resolved_text_parses_to_itself) {
  const std::string text = to_toml(parse(valid));
  EXPECT_EQ(to_toml(parse(text)), text);
  EXPECT_THAT(text, AllOf(HasSubstr("tolerance = 1e-10"), HasSubstr("[mixtures.mine]")));
}

TEST(specification, unused_models_do_not_change_the_resolved_text) {
  EXPECT_EQ(to_toml(parse(std::string(valid) + "[models.other]\narchitecture = \"lsa\"\n")), to_toml(parse(valid)));
}

TEST(specification, an_unknown_key_is_named_with_the_nearest_valid_one_and_its_line) {
  EXPECT_THAT(
      message_with("prompts = 100", "prompts = 100\npromts = 7"),
      AllOf(HasSubstr("my.toml:15"), HasSubstr("unknown key test.promts"), HasSubstr("did you mean test.prompts?")));
  EXPECT_THAT(message_with("[task]", "[tusk]\nd = 4\n[task]"), HasSubstr("unknown key tusk; did you mean task?"));
  EXPECT_THAT(message_with("exponent = 2", "exponent = 2\nexponant = 2"), HasSubstr("mixtures.mine.exponent?"));
  EXPECT_THAT(message_with("architecture", "training = \"population\"\ntol = 1\narchitecture"),
              HasSubstr("models.lsa.tol;"));
}

TEST(specification, a_wrong_type_is_named_with_what_was_found) {
  EXPECT_THAT(message_with("d = 4", "d = \"four\""),
              AllOf(HasSubstr("my.toml:9: task.d must be an integer"), HasSubstr("four")));
  EXPECT_THAT(message_with("d = 4", "d = 4.5"), HasSubstr("task.d must be an integer, not the floating-point 4.5"));
  EXPECT_THAT(message_with("n = [10, 20]", "n = [10, \"20\"]"), HasSubstr("sweep.n takes integers"));
  EXPECT_THAT(message_with("hardness = [5.0, 8]", "hardness = [nan]"), HasSubstr("finite"));
  EXPECT_THAT(message_with("models = [\"lsa\"]", "models = [1]"), HasSubstr("sweep.models takes strings"));
  EXPECT_THAT(message_with("[task]\nd = 4", ""), HasSubstr("task.d is missing"));
  EXPECT_THAT(message("task = 3\n" + replaced(valid, "[task]\nd = 4\n", "")), HasSubstr("task must be a table"));
}

TEST(specification, an_empty_or_unknown_word_is_refused_alone) {
  EXPECT_THAT(message_with("spectrum = \"power_law\"", "spectrum = \"\""),
              HasSubstr("mixtures.mine.spectrum must be one of"));
  const std::string text = message_with("spectrum = \"power_law\"", "spectrum = \"powerlaw\"");
  EXPECT_THAT(text, AllOf(HasSubstr("did you mean \"power_law\"?"), Not(HasSubstr("exponent"))));
}

TEST(specification, sizes_below_their_least_are_refused) {
  EXPECT_THAT(message_with("n = [10, 20]", "n = [0]"), HasSubstr("sweep.n must be at least 1, got 0"));
  EXPECT_THAT(message_with("m = [5, 6]", "m = -3"), HasSubstr("test.m must be at least 1, got -3"));
  EXPECT_THAT(message_with("prompts = 100", "prompts = 0"), HasSubstr("test.prompts must be at least 1, got 0"));
  EXPECT_THAT(message_with("k = 3", "k = -1"), HasSubstr("test.k must be at least 0, got -1"));
  EXPECT_THAT(message_with("d = 4", "d = 0"), HasSubstr("task.d must be at least 1"));
  EXPECT_THAT(message_with("n = [10, 20]", "n = 10\nrepeats = 0"), HasSubstr("sweep.repeats must be at least 1"));
  EXPECT_THAT(message_with("hardness = [5.0, 8]", "hardness = [3.9]"), HasSubstr("at least d = 4"));
}

TEST(specification, empty_and_duplicate_axis_values_are_refused) {
  EXPECT_THAT(message_with("n = [10, 20]", "n = []"), HasSubstr("sweep.n is an empty list"));
  EXPECT_THAT(message_with("n = [10, 20]", "n = [10, 20, 10]"), HasSubstr("sweep.n has the value 10 twice"));
  EXPECT_THAT(message_with("hardness = [5.0, 8]", "hardness = [5.0, 5]"),
              HasSubstr("sweep.hardness has the value 5 twice"));
  EXPECT_THAT(message_with("models = [\"lsa\"]", "models = []"), HasSubstr("sweep.models is an empty list"));
  EXPECT_THAT(message_with("m = [5, 6]", ""), HasSubstr("test.m is missing"));
}

TEST(specification, unknown_models_and_mixtures_are_refused) {
  EXPECT_THAT(message_with("models = [\"lsa\"]", "models = [\"lsb\"]"),
              AllOf(HasSubstr("there is no [models.lsb]"), HasSubstr("did you mean \"lsa\"?")));
  EXPECT_THAT(message_with("\"mine\"]", "\"skewd\"]"),
              AllOf(HasSubstr("\"skewd\""), HasSubstr("did you mean \"skewed\"?")));
  EXPECT_THAT(message_with("[mixtures.mine]", "[mixtures.matched]"), HasSubstr("mixtures.matched is built in"));
  EXPECT_THAT(message_with("architecture = \"lsa\"", "architecture = \"lsta\""), HasSubstr("did you mean \"lsa\"?"));
  EXPECT_THAT(message_with("architecture = \"lsa\"", "architecture = \"lsa\"\ntraining = \"closed\""),
              HasSubstr("did you mean \"closed_form\"?"));
}

TEST(specification, covariances_that_are_not_positive_semi_definite_are_refused) {
  const auto list = [](const std::string& values) {
    return message_with("spectrum = \"power_law\"\nexponent = 2", "spectrum = \"list\"\neigenvalues = " + values);
  };
  EXPECT_EQ(list("[1, 2, 3, 0]"), "no exception");
  EXPECT_THAT(list("[1, 2, 3, -0.5]"), HasSubstr("not positive semi-definite"));
  EXPECT_THAT(list("[0, 0, 0, 0]"), HasSubstr("makes the covariance zero"));
  EXPECT_THAT(list("[1, 2]"), HasSubstr("has 2 values, but task.d = 4"));
}

TEST(specification, keys_without_effect_are_refused) {
  EXPECT_THAT(message_with("exponent = 2", "exponent = 2\neigenvalues = [1, 2, 3, 4]"),
              HasSubstr("spectrum = \"list\" only"));
  EXPECT_THAT(message(std::string(valid) + "[target]\nspectrum = \"power_law\"\nexponent = 1\n"),
              HasSubstr("sweep.hardness is set although [target] has a spectrum of its own"));
  EXPECT_THAT(
      message_with("architecture = \"lsa\"", "architecture = \"lsa\"\ntraining = \"closed_form\"\ntolerance = 1e-3"),
      HasSubstr("models.lsa.tolerance has an effect with training = \"population\" only"));
  EXPECT_THAT(message(std::string(valid) + "[select]\nk = 3\n"), HasSubstr("select"))
      << "nothing is selected without [tasks]";
  EXPECT_THAT(message(valid, {{"test.sampler", "wishart"}, {"models.lsa.roll_out", "definition"}}),
              HasSubstr("test.sampler"))
      << "the definition needs examples";
}

TEST(specification, all_problems_are_reported_at_once) {
  const std::string text = replaced(replaced(valid, "d = 4", "d = 0"), "prompts = 100", "prompts = 0");
  EXPECT_THAT(message(text), AllOf(HasSubstr("task.d"), HasSubstr("test.prompts")));
}

TEST(specification, a_missing_covariance_file_and_a_changed_one_are_named) {
  EXPECT_THAT(message_with("spectrum = \"power_law\"\nexponent = 2", "file = \"nowhere.h5\""),
              AllOf(HasSubstr("mixtures.mine.file"), HasSubstr("nowhere.h5")));
  EXPECT_THAT(message_with("spectrum = \"power_law\"\nexponent = 2", "file = \"CMakeLists.txt\"\nsha256 = \"00\""),
              HasSubstr("the file has changed"));
}

TEST(specification, invalid_toml_is_reported_with_its_line) {
  EXPECT_THAT(message_with("d = 4", "d = = 4"), AllOf(HasSubstr("my.toml:9"), HasSubstr("not valid TOML")));
}

// ---- transformers ----

const std::string with_transformer =
    replaced(replaced(valid, "models = [\"lsa\"]", "models = [\"lsa\", \"gpt\"]"), "n = [10, 20]", "n = [5, 20]") +
    R"(
[models.gpt]
architecture = "gpt2"
size = "free"
layers = 2
heads = 3
width = 12
objective = "process"
k_train = 4
targets = "gd"
eta = 0.25
optimizer = "adamw"
learning_rate = 3e-4
beta1 = 0.8
beta2 = 0.99
epsilon = 1e-7
weight_decay = 0.03
schedule = "constant"
warm_up = 7
clip_norm = 1.5
steps = 300
batch = 17
fresh_prompts = false
dimension_start = 1
dimension_step = 3
dimension_every = 20
examples_start = 6
examples_step = 4
examples_every = 30
keep_weights = true
)";

std::string message_with_transformer(const std::string& from, const std::string& to) {
  return message(replaced(with_transformer, from, to));
}

TEST(specification, reads_every_key_of_a_transformer_and_writes_it_back) {
  const auto expect_all = [](const specification& spec) {
    const model_specification& model = spec.model_tables.at("gpt");
    const gpt2_options& g = model.gpt2;
    EXPECT_TRUE(model.keep_weights);
    EXPECT_EQ(g.size, (gpt2_size{2, 3, 12}));
    EXPECT_EQ(g.objective.kind, objective::process);
    EXPECT_EQ(g.objective.k_train, 4);
    EXPECT_EQ(g.objective.targets, process_targets::gradient_descent);
    EXPECT_EQ(g.objective.eta, 0.25);
    EXPECT_EQ(g.optimizer.rule, update_rule::adamw);
    EXPECT_EQ(g.optimizer.learning_rate, 3e-4);
    EXPECT_EQ(g.optimizer.beta1, 0.8);
    EXPECT_EQ(g.optimizer.beta2, 0.99);
    EXPECT_EQ(g.optimizer.epsilon, 1e-7);
    EXPECT_EQ(g.optimizer.weight_decay, 0.03);
    EXPECT_EQ(g.optimizer.schedule, rate_schedule::constant);
    EXPECT_EQ(g.optimizer.warm_up, 7);
    EXPECT_EQ(g.optimizer.clip_norm, 1.5);
    EXPECT_EQ(g.steps, 300);
    EXPECT_EQ(g.batch, 17);
    EXPECT_FALSE(g.fresh_prompts);
    EXPECT_EQ(g.dimension.first, 1);
    EXPECT_EQ(g.dimension.step, 3);
    EXPECT_EQ(g.dimension.every, 20);
    EXPECT_EQ(g.examples.first, 6);
    EXPECT_EQ(g.examples.step, 4);
    EXPECT_EQ(g.examples.every, 30);
  };
  const specification spec = parse(with_transformer);
  expect_all(spec);
  expect_all(parse(to_toml(spec)));
}

TEST(specification, transformers_that_cannot_be_trained_or_tested_are_refused) {
  EXPECT_THAT(message_with_transformer("width = 12", "width = 10"),
              HasSubstr("models.gpt.width must be a multiple of heads = 3"));
  EXPECT_THAT(message_with_transformer("dimension_start = 1\n", ""),
              AllOf(HasSubstr("models.gpt.dimension_step has an effect with dimension_start only"),
                    HasSubstr("models.gpt.dimension_every")));
  EXPECT_THAT(message_with_transformer("dimension_start = 1", "dimension_start = 4"),
              HasSubstr("models.gpt.dimension_start is 4, but the full size is 4"));
  EXPECT_THAT(message_with_transformer("examples_every = 30", "examples_every = 80"),
              HasSubstr("models.gpt.examples_start begins a curriculum that reaches 18 of 20 only before training"));
  EXPECT_THAT(message_with_transformer("warm_up = 7", "warm_up = 300"),
              HasSubstr("models.gpt.warm_up must be below steps = 300"));
  EXPECT_THAT(message_with_transformer("k = 3", "k = 5"), HasSubstr("test.k is 5, but models.gpt has positions for"));
  EXPECT_THAT(message_with_transformer("k = 3", "k = 0"), HasSubstr("test.k is 0, but models.gpt"));
  EXPECT_THAT(message_with_transformer("m = [5, 6]", "m = [6, 7]"), HasSubstr("test.m has no value up to n = 5"));
  EXPECT_THAT(message_with_transformer("prompts = 100", "prompts = 100\nsampler = \"wishart\""),
              HasSubstr("models.gpt needs the examples"));
}

// ---- mixtures of candidates, and selection ----

const std::string with_candidates = replaced(valid, "\"mine\"]", "\"mine\", \"mixed\", \"selected\"]") + R"(
[tasks]
exponents = [0.2, 0.8]
directions = [2, 4]
each = 2

[mixtures.mixed]
probabilities = [1, 0, 2, 0.5, 0, 0, 0, 3]
)";

std::string message_with_candidates(const std::string& from, const std::string& to) {
  return message(replaced(with_candidates, from, to));
}

void expect_round_trip(const std::string& text) {
  const std::string resolved = to_toml(parse(text));
  EXPECT_EQ(to_toml(parse(resolved)), resolved);
}

TEST(specification, reads_candidates_probabilities_and_selection) {
  const specification spec =
      parse(with_candidates +
            "[select]\nn = 200\nm = 1000\nk = 10\nsamples = 8\nmax_samples = 900\ndraws = 20\n[theory]\ndraws = 0\n");
  EXPECT_EQ(spec.tasks.source, tasks_specification::kind::generated);
  EXPECT_EQ(spec.tasks.exponents, (std::vector<double>{0.2, 0.8}));
  EXPECT_EQ(spec.tasks.directions, (std::vector<std::int64_t>{2, 4}));
  EXPECT_EQ(spec.tasks.each, 2);
  EXPECT_EQ(spec.mixture_tables.at("mixed").probabilities, (std::vector<double>{1, 0, 2, 0.5, 0, 0, 0, 3}));
  EXPECT_TRUE(spec.mixture_tables.at("mine").probabilities.empty());
  EXPECT_EQ(spec.selection.n, 200);
  EXPECT_EQ(spec.selection.m, 1000);
  EXPECT_EQ(spec.selection.k, 10);
  EXPECT_EQ(spec.selection.samples, 8);
  EXPECT_EQ(spec.selection.max_samples, 900);
  EXPECT_EQ(spec.selection.draws, 20);
  EXPECT_EQ(spec.theory_draws, 0);
  const specification defaults = parse(with_candidates);
  EXPECT_FALSE(defaults.selection.n.has_value());
  EXPECT_TRUE(std::isinf(defaults.selection.m));
  EXPECT_EQ(defaults.selection.k, 1);
  EXPECT_EQ(defaults.selection.samples, 16);
  EXPECT_EQ(defaults.selection.max_samples, 16'384);
  EXPECT_EQ(parse(with_candidates + "[select]\nsamples = 20_000\n").selection.max_samples, 20'000) << "room for them";
  EXPECT_EQ(defaults.theory_draws, specification().theory_draws);
  EXPECT_TRUE(defaults.baselines);
}

TEST(specification, candidates_and_selection_parse_to_themselves) {
  expect_round_trip(with_candidates);
  for (const char* m : {"inf", "1000"}) {
    const std::string text = with_candidates + "[select]\nn = 200\nk = 10\nsamples = 8\ndraws = 20\nm = " + m + "\n";
    expect_round_trip(text);
    EXPECT_THAT(to_toml(parse(text)), AllOf(HasSubstr(std::string("\nm = ") + m + "\n"), HasSubstr("draws = 20")));
  }
  EXPECT_THAT(to_toml(parse(with_candidates)),
              AllOf(HasSubstr("[select]"), HasSubstr("each = 2"), HasSubstr("probabilities = [1.0, 0.0, 2.0, 0.5")));
}

TEST(specification, candidates_that_cannot_be_are_refused) {
  EXPECT_THAT(message_with_candidates("directions = [2, 4]", "directions = [2, 5]"),
              AllOf(HasSubstr("tasks.directions has the value 5"), HasSubstr("task.d = 4")));
  EXPECT_THAT(message_with_candidates("directions = [2, 4]", "directions = [0]"),
              HasSubstr("tasks.directions must be at least 1"));
  EXPECT_THAT(message_with_candidates("each = 2", "each = 0"), HasSubstr("tasks.each must be at least 1"));
  EXPECT_THAT(message_with_candidates("each = 2\n", ""), HasSubstr("tasks.each is missing"));
  EXPECT_THAT(message_with_candidates("exponents = [0.2, 0.8]\n", ""), HasSubstr("tasks.exponents is missing"));
  EXPECT_THAT(message_with_candidates("each = 2", "each = 2\nech = 2"), HasSubstr("did you mean tasks.each?"));
  EXPECT_THAT(message_with_candidates("each = 2", "each = 2\nsha256 = \"00\""),
              HasSubstr("tasks.sha256 has an effect"));
  EXPECT_THAT(message_with_candidates("each = 2", "each = 2\nfile = \"nowhere.h5\""),
              AllOf(HasSubstr("tasks.each has an effect"), HasSubstr("tasks.file names a file that cannot be read")));
}

TEST(specification, probabilities_that_cannot_be_are_refused) {
  const auto with = [](const std::string& values) {
    return message_with_candidates("[1, 0, 2, 0.5, 0, 0, 0, 3]", values);
  };
  EXPECT_THAT(with("[1, 2]"), HasSubstr("mixtures.mixed.probabilities has 2 values, but [tasks] has 8 candidates"));
  EXPECT_THAT(with("[1, 0, 2, -0.5, 0, 0, 0, 3]"), HasSubstr("mixtures.mixed.probabilities must be finite and ≥ 0"));
  EXPECT_THAT(with("[0, 0, 0, 0, 0, 0, 0, 0]"), HasSubstr("one of them positive"));
  EXPECT_THAT(with("[1, 0, inf, 0, 0, 0, 0, 0]"), HasSubstr("mixtures.mixed.probabilities must be finite"));
  EXPECT_THAT(with("[1, 0, nan, 0, 0, 0, 0, 0]"), HasSubstr("mixtures.mixed.probabilities must be finite"));
  EXPECT_THAT(with("3"), HasSubstr("mixtures.mixed.probabilities must be a list of numbers"));
  EXPECT_THAT(message_with_candidates("[mixtures.mixed]", "[mixtures.mixed]\nrotation = \"shared\""),
              HasSubstr("unknown key mixtures.mixed.rotation"));
}

TEST(specification, mixtures_of_candidates_need_candidates) {
  for (const std::string mixture : {"selected", "exact", "uniform", "easy", "hard", "relevant"}) {
    EXPECT_TRUE(is_candidate_mixture(mixture));
    EXPECT_THAT(message_with("\"mine\"]", "\"" + mixture + "\"]"),
                AllOf(HasSubstr("\"" + mixture + "\""), HasSubstr("there is no table [tasks]")));
  }
  EXPECT_FALSE(is_candidate_mixture("skewed"));
  EXPECT_THAT(message_with("spectrum = \"power_law\"\nexponent = 2", "probabilities = [1]"),
              AllOf(HasSubstr("mixtures.mine.probabilities"), HasSubstr("there is no such table")));
  EXPECT_THAT(message_with("[mixtures.mine]", "[mixtures.exact]"), HasSubstr("mixtures.exact is built in"));
}

TEST(specification, selections_that_cannot_be_are_refused) {
  const auto with = [](const std::string& line) { return message(with_candidates + "[select]\n" + line + "\n"); };
  EXPECT_EQ(with("m = inf"), "no exception");
  EXPECT_THAT(with("m = 0"), HasSubstr("select.m must be at least 1"));
  EXPECT_THAT(with("m = 2.5"), HasSubstr("select.m must be an integer"));
  EXPECT_THAT(with("m = -inf"), HasSubstr("select.m"));
  EXPECT_THAT(with("m = nan"), HasSubstr("select.m"));
  EXPECT_THAT(with("n = 0"), HasSubstr("select.n must be at least 1"));
  EXPECT_THAT(with("k = 0"), HasSubstr("select.k must be at least 1"));
  EXPECT_THAT(with("samples = 0"), HasSubstr("select.samples must be at least 1"));
  EXPECT_THAT(with("samples = 20\nmax_samples = 19"), HasSubstr("select.max_samples must be at least 20"));
  EXPECT_THAT(with("draws = 0"), HasSubstr("select.draws must be at least 1"));
  EXPECT_THAT(with("sampels = 3"), HasSubstr("did you mean select.samples?"));
}

TEST(specification, reads_how_test_prompts_are_drawn) {
  EXPECT_EQ(resolved_sampler(parse(valid)), sampler_method::wishart);
  EXPECT_EQ(resolved_sampler(parse(valid, {{"models.lsa.roll_out", "definition"}})), sampler_method::explicit_examples);
  EXPECT_EQ(resolved_sampler(parse(valid, {{"test.sampler", "explicit"}})), sampler_method::explicit_examples);
  EXPECT_THAT(to_toml(parse(valid)), HasSubstr("sampler = 'wishart'")) << "what was chosen is recorded";
  EXPECT_THAT(to_toml(parse(valid, {{"models.lsa.roll_out", "definition"}})), HasSubstr("sampler = 'explicit'"));
  EXPECT_THAT(to_toml(parse(valid, {{"test.baselines", "false"}, {"theory.draws", "7"}})),
              AllOf(HasSubstr("baselines = false"), HasSubstr("[theory]\ndraws = 7")));
  EXPECT_THAT(message(valid, {{"test.sampler", "wishard"}}), HasSubstr("did you mean \"wishart\"?"));
  EXPECT_THAT(message(valid, {{"test.baselines", "1"}}), HasSubstr("test.baselines must be true or false"));
  EXPECT_THAT(message(valid, {{"theory.draws", "-1"}}), HasSubstr("theory.draws must be at least 0"));
  EXPECT_THAT(message(valid, {{"theory.draws", "200"}, {"theory.most_draws", "100"}}),
              HasSubstr("theory.most_draws is 100, but theory.draws = 200 are taken at least"));
  EXPECT_THAT(message(valid, {{"theory.rarest", "0"}}), HasSubstr("theory.rarest must be a share of draws"));
  const std::string text = to_toml(parse(valid, {{"theory.most_draws", "3000"}, {"theory.rarest", "0.01"}}));
  EXPECT_THAT(text, HasSubstr("most_draws = 3000\nrarest = 0.01"));
  EXPECT_EQ(to_toml(parse(text)), text);
  EXPECT_THAT(message(valid, {{"theory.drows", "1"}}), HasSubstr("did you mean theory.draws?"));
}

// ---- models that learn from samples ----

std::string sampled(const std::string& keys) {
  return replaced(valid, "architecture = \"lsa\"", "architecture = \"lsa\"\ntraining = \"samples\"\n" + keys);
}

TEST(specification, reads_how_a_model_learns_from_samples) {
  const model_specification defaults = parse(sampled("")).model_tables.at("lsa");
  EXPECT_EQ(defaults.training, training_method::samples);
  EXPECT_EQ(defaults.sampled.steps, sampled_options().steps);
  EXPECT_EQ(defaults.sampled.objective.kind, objective::direct);
  EXPECT_FALSE(defaults.keep_weights);
  const model_specification m = parse(sampled(R"(parameters = "slice"
train_w13 = true
train_w24 = true
objective = "process"
k_train = 7
targets = "gd"
eta = 0.25
optimizer = "adamw"
learning_rate = 0.003
beta1 = 0.8
beta2 = 0.95
epsilon = 1e-7
weight_decay = 0.02
schedule = "constant"
warm_up = 30
clip_norm = 1.5
steps = 77
batch = 33
fresh_prompts = false
initialisation = "random"
initial_scale = 0.3
c = -2
keep_weights = true
)"))
                                    .model_tables.at("lsa");
  const sampled_options& s = m.sampled;
  EXPECT_EQ(s.parameters, parameter_set::slice);
  EXPECT_TRUE(s.free_w13);
  EXPECT_TRUE(s.free_w24);
  EXPECT_EQ(s.objective.kind, objective::process);
  EXPECT_EQ(s.objective.k_train, 7);
  EXPECT_EQ(s.objective.targets, process_targets::gradient_descent);
  EXPECT_EQ(s.objective.eta, 0.25);
  EXPECT_EQ(s.optimizer.rule, update_rule::adamw);
  EXPECT_EQ(s.optimizer.learning_rate, 0.003);
  EXPECT_EQ(s.optimizer.beta1, 0.8);
  EXPECT_EQ(s.optimizer.beta2, 0.95);
  EXPECT_EQ(s.optimizer.epsilon, 1e-7);
  EXPECT_EQ(s.optimizer.weight_decay, 0.02);
  EXPECT_EQ(s.optimizer.schedule, rate_schedule::constant);
  EXPECT_EQ(s.optimizer.warm_up, 30);
  EXPECT_EQ(s.optimizer.clip_norm, 1.5);
  EXPECT_EQ(s.steps, 77);
  EXPECT_EQ(s.batch, 33);
  EXPECT_FALSE(s.fresh_prompts);
  EXPECT_EQ(s.initial, initial_weights::random);
  EXPECT_EQ(s.initial_scale, 0.3);
  EXPECT_EQ(s.c, -2) << "the same c as that of the slice";
  EXPECT_TRUE(m.keep_weights);
  EXPECT_EQ(parse(sampled("optimizer = \"sgd\"\nmomentum = 0.5")).model_tables.at("lsa").sampled.optimizer.momentum,
            0.5);
}

TEST(specification, models_that_learn_from_samples_parse_to_themselves) {
  const std::vector<std::string> cases{
      "",
      "keep_weights = true\nc = 0.3\ntrain_w24 = true",
      "parameters = \"slice\"\ntrain_w13 = true",
      "objective = \"process\"\nk_train = 7\ntargets = \"gd\"\neta = 0.25",
      "objective = \"outcome\"\nk_train = 3",
      "objective = \"rollout\"\nk_train = 3",
      "optimizer = \"gd\"\nlearning_rate = 0.125\nclip_norm = 2",
      "optimizer = \"sgd\"\nmomentum = 0.5",
      "optimizer = \"adam\"\nbeta1 = 0.7\nbeta2 = 0.9\nepsilon = 1e-6\nwarm_up = 5",
      "optimizer = \"adamw\"\nweight_decay = 0.1\nschedule = \"constant\"",
      "initialisation = \"random\"\ninitial_scale = 0.1\nsteps = 5\nbatch = 3\nfresh_prompts = false",
  };
  const std::string plain = to_toml(parse(sampled("")));
  for (const std::string& keys : cases) {
    SCOPED_TRACE(keys);
    const std::string resolved = to_toml(parse(sampled(keys)));
    EXPECT_EQ(to_toml(parse(resolved)), resolved);
    EXPECT_TRUE(keys.empty() || resolved != plain) << "the keys must be kept";
    for (std::size_t at = 0; at < keys.size();) {
      const std::size_t end = std::min(keys.find('\n', at), keys.size());
      EXPECT_THAT(resolved, HasSubstr(keys.substr(at, keys.find(' ', at) + 3 - at)));  // "key = ", and how it begins
      at = end + 1;
    }
  }
}

TEST(specification, training_from_samples_that_cannot_be_is_refused) {
  const auto with = [](const std::string& keys) { return message(sampled(keys)); };
  EXPECT_THAT(with("optimizer = \"adm\""),
              AllOf(HasSubstr("models.lsa.optimizer must be one of"), HasSubstr("did you mean \"adam\"?")));
  EXPECT_THAT(with("objective = \"outcome\""), HasSubstr("models.lsa.k_train is missing"));
  EXPECT_THAT(with("objective = \"outcome\"\nk_train = 0"), HasSubstr("models.lsa.k_train must be at least 1"));
  EXPECT_THAT(with("objective = \"proces\"\nk_train = 2"), HasSubstr("did you mean \"process\"?"));
  EXPECT_THAT(with("objective = \"process\"\nk_train = 2\ntargets = \"newton\""),
              HasSubstr("models.lsa.targets must be one of geometric, gd"));
  EXPECT_THAT(with("learning_rate = 0"), HasSubstr("models.lsa.learning_rate must be positive"));
  EXPECT_THAT(with("beta2 = 1"), HasSubstr("models.lsa.beta2 must be below 1"));
  EXPECT_THAT(with("beta1 = -0.1"), HasSubstr("models.lsa.beta1 must not be negative"));
  EXPECT_THAT(with("optimizer = \"sgd\"\nmomentum = 1.5"), HasSubstr("models.lsa.momentum must be below 1"));
  EXPECT_THAT(with("epsilon = -1"), HasSubstr("models.lsa.epsilon must be positive"));
  EXPECT_THAT(with("clip_norm = -1"), HasSubstr("models.lsa.clip_norm must not be negative"));
  EXPECT_THAT(with("warm_up = -1"), HasSubstr("models.lsa.warm_up must be at least 0"));
  EXPECT_THAT(with("steps = 0"), HasSubstr("models.lsa.steps must be at least 1"));
  EXPECT_THAT(with("batch = 0"), HasSubstr("models.lsa.batch must be at least 1"));
  EXPECT_THAT(with("fresh_prompts = 1"), HasSubstr("models.lsa.fresh_prompts must be true or false"));
  EXPECT_THAT(with("initialisation = \"stored\""),
              AllOf(HasSubstr("models.lsa.initial_file is missing"), HasSubstr("models.lsa.initial_model is missing")));
  EXPECT_THAT(with("initialisation = \"stored\"\ninitial_file = \"nowhere.h5\"\ninitial_model = \"lsa\""),
              HasSubstr("models.lsa.initial_file names no results file that can be read (./nowhere.h5: no such file)"));
  EXPECT_THAT(with("initialisation = \"random\"\ninitial_scale = 0"),
              HasSubstr("models.lsa.initial_scale must be positive"));
  EXPECT_THAT(with("learing_rate = 1"), HasSubstr("did you mean models.lsa.learning_rate?"));
}

TEST(specification, keys_of_another_training_are_refused) {
  const auto with = [](const std::string& keys) { return message(sampled(keys)); };
  EXPECT_THAT(with("tolerance = 1e-3"), HasSubstr("models.lsa.tolerance has an effect with training = \"population\""));
  EXPECT_THAT(with("step_size = 1"), HasSubstr("models.lsa.step_size has an effect"));
  EXPECT_THAT(with("k_train = 2"), HasSubstr("models.lsa.k_train has an effect with an objective other than"));
  EXPECT_THAT(with("objective = \"outcome\"\nk_train = 2\neta = 0.1"),
              HasSubstr("models.lsa.eta has an effect with objective = \"process\""));
  EXPECT_THAT(with("momentum = 0.5"), HasSubstr("models.lsa.momentum has an effect with optimizer = \"sgd\""));
  EXPECT_THAT(with("weight_decay = 0.5"), HasSubstr("models.lsa.weight_decay has an effect"));
  EXPECT_THAT(with("optimizer = \"gd\"\nbeta1 = 0.5"), HasSubstr("models.lsa.beta1 has an effect"));
  EXPECT_THAT(with("train_w13 = true"), HasSubstr("models.lsa.train_w13 has an effect with parameters = \"slice\""));
  EXPECT_THAT(with("initial_scale = 0.5"), HasSubstr("models.lsa.initial_scale has an effect"));
  EXPECT_THAT(with("initial_file = \"a.h5\""), HasSubstr("models.lsa.initial_file has an effect"));
  EXPECT_THAT(with("initial_sha256 = \"0\""), HasSubstr("models.lsa.initial_sha256 has an effect"));
  const auto with_population = [](const std::string& keys) {
    return message_with("architecture = \"lsa\"", "architecture = \"lsa\"\n" + keys);
  };
  EXPECT_THAT(with_population("objective = \"process\""),
              AllOf(HasSubstr("models.lsa.objective"), HasSubstr("needs training = \"samples\"")));
  for (const std::string key : {"batch = 3", "steps = 3", "optimizer = \"adam\"", "initialisation = \"random\"",
                                "train_w24 = true", "fresh_prompts = true", "clip_norm = 1", "k_train = 3"}) {
    EXPECT_THAT(with_population(key), AllOf(HasSubstr("models.lsa." + key.substr(0, key.find(' '))),
                                            HasSubstr("training = \"samples\" only")));
  }
  EXPECT_EQ(with_population("keep_weights = true"), "no exception");
}

// ---- candidates from files ----

class candidates_file : public testing::Test {
 protected:
  candidates_file() { std::filesystem::create_directory(directory_); }
  ~candidates_file() override { std::filesystem::remove_all(directory_); }

  void write(const extents& shape, const std::vector<double>& values,
             const std::vector<std::string>& names = {}) const {
    hdf5_file file = hdf5_file::create((directory_ / "c.h5").string());
    file.create_dataset<double>("covariance", shape, 0.0);
    file.write<double>("covariance", values);
    if (!names.empty()) file.create_strings("name", {names.size()}, names);
    file.close();
  }
  static std::string text_with(const std::string& tasks) {
    return replaced(replaced(valid, "d = 4", "d = 2"), "\"mine\"]", "\"uniform\"]") + "[tasks]\n" + tasks + "\n";
  }
  specification parsed(const std::string& tasks = "file = \"c.h5\"") const {
    return parse_specification(text_with(tasks), "my.toml", directory_);
  }
  std::string refusal(const std::string& tasks = "file = \"c.h5\"") const {
    try {
      parsed(tasks);
    } catch (const specification_error& e) {
      return e.what();
    }
    return "no exception";
  }

  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("cotscale_candidates_" + std::to_string(getpid()));
  const std::vector<double> two_tasks_{2, 0.5, 0.5, 1, 0, 0, 0, 3};
};

TEST_F(candidates_file, holds_covariances_and_their_names) {
  write({2, 2, 2}, two_tasks_, {"leicht", "größer"});
  const specification spec = parsed();
  EXPECT_EQ(spec.tasks.source, tasks_specification::kind::file);
  ASSERT_NE(spec.tasks.stored, nullptr);
  EXPECT_EQ(spec.tasks.stored->names, (std::vector<std::string>{"leicht", "größer"}));
  ASSERT_EQ(spec.tasks.stored->tasks.size(), 2U);
  EXPECT_NEAR(spec.tasks.stored->tasks[0].values()(1, 0), 0.5, 1e-15);
  EXPECT_EQ(spec.tasks.stored->tasks[1].support_hardness(), 1);
}

TEST_F(candidates_file, needs_no_names) {
  write({2, 2, 2}, two_tasks_);
  EXPECT_EQ(parsed().tasks.stored->names, (std::vector<std::string>{"task0", "task1"}));
}

TEST_F(candidates_file, is_identified_by_its_contents) {
  write({2, 2, 2}, two_tasks_);
  const std::string resolved = to_toml(parsed());
  EXPECT_THAT(resolved, AllOf(HasSubstr("file = 'c.h5'"), HasSubstr("sha256 = '" + parsed().tasks.sha256)));
  EXPECT_EQ(parsed().tasks.sha256.size(), 64U);
  EXPECT_EQ(to_toml(parse_specification(resolved, "resolved.toml", directory_)), resolved);
  write({2, 2, 2}, {1, 0, 0, 1, 0, 0, 0, 3});
  EXPECT_THROW(parse_specification(resolved, "resolved.toml", directory_), specification_error);
  EXPECT_THAT(refusal("file = \"c.h5\"\nsha256 = \"00\""),
              AllOf(HasSubstr("tasks.sha256"), HasSubstr("the file has changed")));
}

TEST_F(candidates_file, that_holds_none_is_refused_by_name) {
  const auto names_it = [](const char* what) {
    return AllOf(HasSubstr("tasks.file names no candidates"), HasSubstr("c.h5"), HasSubstr(what));
  };
  write({2, 2}, {1, 0, 0, 1});
  EXPECT_THAT(refusal(), names_it("has shape (2, 2), not (tasks, 2, 2)"));
  write({1, 3, 3}, std::vector<double>(9, 1));
  EXPECT_THAT(refusal(), names_it("has shape (1, 3, 3), not (tasks, 2, 2)"));
  write({2, 2, 2}, two_tasks_, {"only one"});
  EXPECT_THAT(refusal(), names_it("has 2 tasks, but 1 values of `name`"));
  write({2, 2, 2}, {1, 0, 0, 1, 1, 2, 2, 1}, {"fine", "indefinite"});
  EXPECT_THAT(refusal(), names_it("task 1 (indefinite): the covariance is not positive semi-definite"));
  write({2, 2, 2}, {1, 0, 0.5, 1, 1, 0, 0, 1});
  EXPECT_THAT(refusal(), names_it("task 0 (task0): the covariance is not symmetric"));
  write({2, 2, 2}, {1, 0, 0, 1, NAN, 0, 0, 1});
  EXPECT_THAT(refusal(), names_it("not finite"));
  write({2, 2, 2}, {1, 0, 0, 1, 0, 0, 0, 0});
  EXPECT_THAT(refusal(), names_it("is zero"));
  hdf5_file::create((directory_ / "c.h5").string()).close();
  EXPECT_THAT(refusal(), names_it("has no dataset `covariance`"));
  std::ofstream(directory_ / "c.h5", std::ios::trunc) << "a text\n";
  EXPECT_THAT(refusal(), HasSubstr("tasks.file names a file that cannot be read"));
  EXPECT_THAT(refusal("file = \"other.h5\""), HasSubstr("other.h5"));
  EXPECT_THAT(refusal("file = \"\""), HasSubstr("tasks.file"));
}

TEST_F(candidates_file, decides_how_many_probabilities_there_are) {
  write({2, 2, 2}, two_tasks_);
  EXPECT_EQ(refusal("file = \"c.h5\"\n[mixtures.mixed]\nprobabilities = [1, 3]"), "no exception");
  EXPECT_THAT(refusal("file = \"c.h5\"\n[mixtures.mixed]\nprobabilities = [1, 3, 2]"),
              HasSubstr("has 3 values, but [tasks] has 2 candidates"));
}

// ---- what `cotscale select` reads ----

TEST_F(candidates_file, is_all_that_a_selection_needs_beside_a_target) {
  write({2, 2, 2}, two_tasks_);
  const auto load = [&](const std::string& text) {
    const std::string path = (directory_ / "select.toml").string();
    std::ofstream(path, std::ios::trunc) << text;
    try {
      load_selection(path);
    } catch (const specification_error& e) {
      return std::string(e.what());
    }
    return std::string("no exception");
  };
  const std::string target = "[target]\nspectrum = \"list\"\neigenvalues = [1, 2]\n";
  const std::string tasks = "[task]\nd = 2\n[tasks]\nfile = \"c.h5\"\n";
  const std::string select = "[select]\nn = 50\n";
  EXPECT_EQ(load(tasks + target + select), "no exception");
  EXPECT_THAT(load(tasks + target), HasSubstr("select.n is missing"));
  EXPECT_THAT(load(tasks + select), HasSubstr("target has no spectrum"));
  EXPECT_THAT(load("[task]\nd = 2\n" + target + select), HasSubstr("tasks is missing"));
  EXPECT_THAT(load(tasks + target + select + "[slect]\nn = 3\n"), HasSubstr("did you mean select?"));
  EXPECT_THAT(load(text_with("file = \"c.h5\"") + select), HasSubstr("one value of sweep.hardness"))
      << "a whole sweep may stand there, too";
}

TEST(overrides, replace_add_and_name_themselves_in_messages) {
  EXPECT_EQ(parse(valid, {{"test.prompts", "7"}}).prompts, 7);
  EXPECT_EQ(parse(valid, {{"sweep.n", "[1, 2, 3]"}}).n.size(), 3U);
  EXPECT_EQ(parse(valid, {{"sweep.name", "plain words"}}).name, "plain words");
  EXPECT_EQ(parse(valid, {{"target.rotation", "shared"}}).target.basis, rotation::shared);
  EXPECT_THAT(message(valid, {{"test.prompts", "0"}}), HasSubstr("--set test.prompts=0"));
  EXPECT_THAT(message(valid, {{"test.promts", "9"}}), HasSubstr("did you mean test.prompts?"));
  EXPECT_THAT(message(valid, {{"test.k.x", "9"}}), HasSubstr("k is a value, not a table"));
  EXPECT_THROW(parse_override("test.prompts"), specification_error);
}

TEST(differences, list_every_key_that_differs) {
  const std::string before = to_toml(parse(valid));
  EXPECT_THAT(differences(before, before), IsEmpty());
  const std::string after = to_toml(parse(valid, {{"test.prompts", "7"}, {"models.lsa.step_size", "0.5"}}));
  EXPECT_THAT(differences(before, after), testing::ElementsAre("models.lsa.step_size: in the file (not set), now 0.5",
                                                               "test.prompts: in the file 100, now 7"));
}

}  // namespace
}  // namespace cotscale
