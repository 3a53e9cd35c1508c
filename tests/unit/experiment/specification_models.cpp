// What [models.NAME] says: transformers, and models that learn from samples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "cotscale/train/optimizer_part.hpp"
#include "support/parts.hpp"
#include "unit/experiment/specifications.hpp"

namespace cotscale {
namespace {

using testing::AllOf;
using testing::HasSubstr;

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
learning_rate = 0.0003
beta1 = 0.8
beta2 = 0.99
epsilon = 1e-07
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

// The lines of the table, which are canonical but for their quotes.
std::vector<std::string> lines_of(const std::string& keys) {
  std::vector<std::string> out;
  std::istringstream in(keys);
  for (std::string line; std::getline(in, line);) {
    std::replace(line.begin(), line.end(), '"', '\'');
    if (!line.empty()) out.push_back(line + "\n");
  }
  return out;
}

TEST(specification, reads_every_key_of_a_transformer_and_writes_it_back) {
  const std::string text = to_toml(parse(with_transformer)), keys = text.substr(text.find("[models.gpt]"));
  for (const std::string& line : lines_of(with_transformer.substr(with_transformer.find("[models.gpt]")))) {
    EXPECT_THAT(keys, HasSubstr(line));
  }
  EXPECT_EQ(to_toml(parse(text)), text);
}

TEST(specification, transformers_that_cannot_be_trained_or_tested_are_refused) {
  EXPECT_THAT(message_with_transformer("width = 12", "width = 10"),
              HasSubstr("models.gpt.width must be a multiple of heads = 3"));
  EXPECT_THAT(message_with_transformer("dimension_start = 1\n", ""),
              AllOf(HasSubstr("models.gpt.dimension_step has an effect with dimension_start = 1 or more only"),
                    HasSubstr("models.gpt.dimension_every")));
  EXPECT_THAT(message_with_transformer("dimension_start = 1", "dimension_start = 4"),
              HasSubstr("models.gpt.dimension_start is 4, but the full size is 4"));
  EXPECT_THAT(message_with_transformer("examples_every = 30", "examples_every = 80"),
              HasSubstr("models.gpt.examples_start begins a curriculum that reaches 18 of 20 only before training"));
  EXPECT_THAT(message_with_transformer("fresh_prompts = false", "prefix_weight = -0.5"),
              HasSubstr("models.gpt.prefix_weight must not be negative"));
  EXPECT_THAT(message_with_transformer("k_train = 4", "k_train = 4\nchain_start = 4"),
              HasSubstr("models.gpt.chain_start is 4, but the full size is 4"));
  EXPECT_THAT(message_with_transformer("k_train = 4", "k_train = 4\nchain_start = 1\nchain_every = 100"),
              HasSubstr("models.gpt.chain_start begins a curriculum that reaches 3 of 4 only before training"));
  EXPECT_THAT(
      message_with_transformer("objective = \"process\"\nk_train = 4\ntargets = \"gd\"\neta = 0.25", "chain_start = 1"),
      HasSubstr("models.gpt.chain_start has an effect with objective = \"process\" or \"outcome\" or \"rollout\" or "
                "\"trajectory\" only"));
  EXPECT_THAT(message_with_transformer("warm_up = 7", "warm_up = 300"),
              HasSubstr("models.gpt.warm_up must be below steps = 300"));
  EXPECT_THAT(message_with_transformer("k = 3", "k = 5"), HasSubstr("test.k is 5, but models.gpt has positions for"));
  EXPECT_THAT(message_with_transformer("k = 3", "k = 0"), HasSubstr("test.k is 0, but models.gpt"));
  EXPECT_THAT(message_with_transformer("m = [5, 6]", "m = [6, 7]"), HasSubstr("test.m has no value up to n = 5"));
  EXPECT_THAT(message_with_transformer("prompts = 100", "prompts = 100\nsampler = \"wishart\""),
              HasSubstr("models.gpt needs the examples"));
}

// ---- models that learn from samples ----

std::string sampled(const std::string& keys) {
  return replaced(valid, "architecture = \"lsa\"", "architecture = \"lsa\"\ntraining = \"samples\"\n" + keys);
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
      "parameters = \"slice\"\ntrain_w13 = true\ntrain_w24 = true\nc = -2\nkeep_weights = true",
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

TEST(specification, models_with_variables_named_after_them_have_names_that_a_file_can_hold) {
  const auto two = [](const std::string& name, const std::string& width) {
    std::string text = replaced(valid, "models = [\"lsa\"]", "models = [\"lsa\", \"a\", \"" + name + "\"]");
    for (const auto& [model, own] : {std::pair(std::string("a"), std::string("8")), std::pair(name, width)}) {
      text += "\n[models.\"" + model +
              "\"]\narchitecture = \"gpt2\"\nsize = \"free\"\nlayers = 1\nheads = 1\nwidth = " + own +
              "\nobjective = \"rollout\"\nk_train = 30\nkeep_weights = true\n";
    }
    return message(text);
  };
  for (const char* name : {"a/b", "/b", "a b", "a\\tb", "a=b", ""}) {
    EXPECT_THAT(two(name, "16"), HasSubstr("which keeps weights of shapes of its own")) << name;
    EXPECT_EQ(two(name, "8"), "no exception") << "the models share their variables: " << name;
  }
  EXPECT_EQ(two("ü.b-c_1", "16"), "no exception");
}

TEST(specification, keys_of_another_training_are_refused) {
  const auto with = [](const std::string& keys) { return message(sampled(keys)); };
  EXPECT_THAT(with("tolerance = 1e-3"), HasSubstr("models.lsa.tolerance has an effect with training = \"population\""));
  EXPECT_THAT(with("step_size = 1"), HasSubstr("models.lsa.step_size has an effect"));
  EXPECT_THAT(with("k_train = 2"), HasSubstr("models.lsa.k_train has an effect with objective = \"process\" or"));
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

}  // namespace
}  // namespace cotscale
