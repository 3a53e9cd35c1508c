// Every way to get a specification wrong has a message that names the key, the line and what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cotscale/config/differences.hpp"
#include "unit/experiment/specifications.hpp"

namespace cotscale {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(specification, reads_values_and_fills_in_defaults) {
  const specification spec = parse(valid);
  EXPECT_EQ(spec.d, 4);
  EXPECT_EQ(spec.hardness, (std::vector<double>{5, 8}));
  EXPECT_EQ(spec.repeats, 1);
  EXPECT_EQ(spec.model_tables.at("lsa").architecture->map_tolerance(), 1e-10);
  EXPECT_EQ(spec.mixture_tables.at("mine").task.spectrum->eigenvalues(2), (std::vector<double>{1, 0.25}));
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
  EXPECT_THAT(text, AllOf(HasSubstr("did you mean \"power_law\"?"), Not(HasSubstr("mine.exponent"))));
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

TEST(specification, only_a_word_that_is_near_is_suggested) {
  EXPECT_THAT(message(valid, {{"target.rotation", "indep"}}), HasSubstr("did you mean \"independent\"?"));
  EXPECT_THAT(
      message(valid, {{"target.rotation", "xyzzy"}}),
      AllOf(HasSubstr("target.rotation must be one of none, shared, independent"), Not(HasSubstr("did you mean"))));
  EXPECT_THAT(message(valid, {{"sweep.models", "transformer"}}),
              AllOf(HasSubstr("there is no [models.transformer]; add it"), Not(HasSubstr("did you mean"))));
  EXPECT_THAT(message(valid, {{"sweep.mixtures", "xyzzy"}}),
              AllOf(HasSubstr("there is no such mixture (there are matched"), Not(HasSubstr("did you mean"))));
  EXPECT_THAT(message(valid, {{"test.xyzzy", "1"}}),
              AllOf(HasSubstr("unknown key test.xyzzy; remove it"), Not(HasSubstr("did you mean"))));
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
              HasSubstr("my.toml:5: sweep.hardness has an effect with a [target] that has neither spectrum nor rows "
                        "only; remove it"));
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
