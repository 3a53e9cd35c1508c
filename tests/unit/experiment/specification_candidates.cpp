// Mixtures of candidates, selections, and candidates from files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cotscale/hdf5/file.hpp"
#include "support/refusal.hpp"
#include "unit/experiment/specifications.hpp"

namespace cotscale {
namespace {

using testing::AllOf;
using testing::HasSubstr;

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

TEST(specification, refuses_the_exact_problem_with_noise) {
  const std::string noisy = replaced(with_candidates, "[task]\n", "[task]\nnoise = 0.5\n");
  expect_round_trip(noisy);
  EXPECT_THAT(message(replaced(noisy, "\"selected\"]", "\"selected\", \"exact\"]")),
              AllOf(HasSubstr("names \"exact\""), HasSubstr("task.noise is 0.5")));
  EXPECT_THAT(message(replaced(valid, "[task]\n", "[task]\nnoise = -1\n")), HasSubstr("task.noise"));
  EXPECT_THAT(message(replaced(valid, "[task]\n", "[task]\nnoise = inf\n")), HasSubstr("task.noise"));
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
              HasSubstr("mixtures.mixed.rotation has an effect with no probabilities only; remove it"));
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
  EXPECT_THAT(message(valid, {{"theory.rarest", "0"}}), HasSubstr("theory.rarest must be positive, got 0"));
  const std::string text = to_toml(parse(valid, {{"theory.most_draws", "3000"}, {"theory.rarest", "0.01"}}));
  EXPECT_THAT(text, HasSubstr("most_draws = 3000\nrarest = 0.01"));
  EXPECT_EQ(to_toml(parse(text)), text);
  EXPECT_THAT(message(valid, {{"theory.drows", "1"}}), HasSubstr("did you mean theory.draws?"));
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
    return support::refusal_of([&] { parsed(tasks); });
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
  EXPECT_THAT(resolved, AllOf(HasSubstr("file = 'c.h5'"), HasSubstr("sha256 = '" + parsed().tasks.file.sha256)));
  EXPECT_EQ(parsed().tasks.file.sha256.size(), 64U);
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
    return support::refusal_of([&] { load_selection(path); });
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

}  // namespace
}  // namespace cotscale
