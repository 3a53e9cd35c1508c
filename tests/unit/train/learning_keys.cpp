#include "cotscale/train/learning_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cotscale/config/reader.hpp"
#include "cotscale/config/toml_text.hpp"
#include "cotscale/train/optimizer_part.hpp"
#include "support/parts.hpp"

namespace cotscale {
namespace {

learning_options read(const std::string& text) {
  const toml::table table = config::parse_text(text, "test.toml");
  config::problem_list problems("test.toml");
  config::reader keys(&table, "it", problems);
  learning_options out;
  objective_word(keys, out.objective);
  learning_keys(keys, out);
  keys.finish();
  problems.raise();
  return out;
}

TEST(learning_keys, are_read_into_what_they_are_called_after) {
  const learning_options o = read(R"(objective = "process"
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
)");
  EXPECT_EQ(support::written(*o.objective), "process\nk_train = 7\ntargets = 'gd'\neta = 0.25\n");
  EXPECT_EQ(support::written(*o.optimizer.rule),
            "adamw\nbeta1 = 0.8\nbeta2 = 0.95\nepsilon = 1e-07\nweight_decay = 0.02\n");
  EXPECT_EQ(o.optimizer.learning_rate, 0.003);
  EXPECT_EQ(o.optimizer.schedule->word(), "constant");
  EXPECT_EQ(o.optimizer.warm_up, 30);
  EXPECT_EQ(o.optimizer.clip_norm, 1.5);
  EXPECT_EQ(o.steps, 77);
  EXPECT_EQ(o.batch, 33);
  EXPECT_FALSE(o.fresh_prompts);
}

TEST(learning_keys, of_one_optimiser_or_schedule_are_read_with_it) {
  EXPECT_EQ(support::written(*read("optimizer = \"sgd\"\nmomentum = 0.5").optimizer.rule), "sgd\nmomentum = 0.5\n");
  const learning_options o = read(R"(optimizer = "muon"
muon_momentum = 0.8
nesterov = false
vector_rate = 0.01
schedule = "linear"
floor = 0.25
)");
  EXPECT_THAT(support::written(*o.optimizer.rule),
              testing::HasSubstr("muon_momentum = 0.8\nnesterov = false\nvector_rate = 0.01\n"));
  EXPECT_EQ(support::written(*o.optimizer.schedule), "linear\nfloor = 0.25\n");
}

TEST(learning_keys, that_are_not_there_leave_the_defaults) {
  const learning_options read_ones = read(""), own;
  EXPECT_EQ(read_ones.steps, own.steps);
  EXPECT_EQ(read_ones.batch, own.batch);
  EXPECT_EQ(read_ones.objective->word(), own.objective->word());
}

}  // namespace
}  // namespace cotscale
