#include "cotscale/experiment/models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "cotscale/base/error.hpp"
#include "cotscale/train/optimizer_part.hpp"
#include "support/parts.hpp"

namespace cotscale {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

specification with_model(const std::string& keys) {
  return parse_specification(
      "[sweep]\nmodels = [\"it\"]\nmixtures = [\"matched\"]\nn = [6]\nhardness = 5\n[task]\nd = 4\n[test]\nk = 1\n"
      "m = 3\nprompts = 3\n[models.it]\n" +
          keys,
      "test.toml", ".");
}

std::unique_ptr<const sequence_model> model_of(const specification& spec) {
  return make_model(spec.model_tables.at("it"));
}

TEST(make_model, linear_self_attention_needs_no_examples_but_by_its_definition) {
  const specification plain = with_model("architecture = \"lsa\"\n");
  const auto model = model_of(plain);
  EXPECT_FALSE(model->limits().needs_examples);
  EXPECT_TRUE(model->limits().takes(1000, 1));
  EXPECT_TRUE(model->has_theory());
  EXPECT_FALSE(model->learns_from_samples());
  EXPECT_EQ(model->map_tolerance(), 1e-10);
  EXPECT_EQ(model->busy_threads(4, 6, 8), 1);
  ASSERT_EQ(model->tensors(4, 6).size(), 2U);
  EXPECT_EQ(model->tensors(4, 6)[0].name, "v");
  EXPECT_EQ(model->tensors(4, 6)[0].size(), 100U);
  EXPECT_TRUE(model_of(with_model("architecture = \"lsa\"\nroll_out = \"definition\"\n"))->limits().needs_examples);
}

TEST(make_model, a_transformer_has_the_positions_of_its_training) {
  const specification spec =
      with_model("architecture = \"gpt2\"\nsize = \"tiny\"\nobjective = \"outcome\"\nk_train = 3\nsteps = 9\n");
  const auto model = model_of(spec);
  EXPECT_TRUE(model->limits().needs_examples);
  EXPECT_EQ(model->limits().most_steps, 3);
  EXPECT_EQ(model->limits().longer_chains, "raise k_train");
  EXPECT_TRUE(model->limits().takes(6, 6));
  EXPECT_FALSE(model->limits().takes(7, 6));
  EXPECT_EQ(model->most_training_steps(), 9);
  EXPECT_FALSE(model->has_theory());
  EXPECT_TRUE(std::isnan(model->map_tolerance()));
  std::size_t size = 0;
  for (const model_tensor& t : model->tensors(4, 6)) size += t.size();
  EXPECT_EQ(size, gpt2_layout(trained_configuration(4, 6, spec.model_tables.at("it").gpt2)).size());
}

TEST(make_model, softmax_attention_reads_and_writes_its_keys) {
  const specification spec = with_model(
      "architecture = \"softmax\"\nown_columns = true\nparameters = \"slice\"\noptimizer = \"muon\"\n"
      "muon_momentum = 0.8\nnesterov = false\nvector_rate = 0.01\nschedule = \"linear\"\nfloor = 0.25\n");
  const model_specification& table = spec.model_tables.at("it");
  EXPECT_TRUE(table.own_columns);
  EXPECT_THAT(
      support::written(*table.sampled.optimizer.rule),
      AllOf(testing::StartsWith("muon\n"), HasSubstr("muon_momentum = 0.8\nnesterov = false\nvector_rate = 0.01\n")));
  EXPECT_EQ(support::written(*table.sampled.optimizer.schedule), "linear\nfloor = 0.25\n");
  const std::string text = to_toml(spec);
  EXPECT_EQ(to_toml(parse_specification(text, "again.toml", ".")), text);
  EXPECT_TRUE(model_of(spec)->limits().needs_examples);
  EXPECT_FALSE(model_of(spec)->limits().most_steps);
}

TEST(make_model, keys_of_other_models_and_parts_are_refused) {
  const auto refusal = [](const std::string& keys, const char* words) {
    EXPECT_THAT([&] { with_model(keys); }, ThrowsMessage<specification_error>(HasSubstr(words)));
  };
  const std::string softmax = "architecture = \"softmax\"\n", lsa = "architecture = \"lsa\"\ntraining = \"samples\"\n";
  refusal(softmax + "roll_out = \"definition\"\n", "roll_out has an effect with architecture = \"lsa\" only");
  refusal(softmax + "training = \"population\"\n", "training must be \"samples\"");
  refusal(lsa + "own_columns = true\n", "own_columns has an effect with architecture = \"softmax\" only");
  refusal(lsa + "floor = 0.1\n", "floor has an effect with schedule = \"linear\" only");
  refusal(lsa + "schedule = \"linear\"\nfloor = 1.5\n", "floor must be at most 1");
  refusal(lsa + "nesterov = true\n", "nesterov has an effect with optimizer = \"muon\" only");
  refusal(lsa + "optimizer = \"muon\"\nmuon_momentum = 1\n", "muon_momentum must be below 1");
  refusal("architecture = \"gpt2\"\nsize = \"tiny\"\ninitialisation = \"stored\"\n", "initial_file is missing");
}

TEST(tensors, are_found_by_name_in_either_type) {
  const std::vector<tensor_values> tensors{{.name = "a", .values = std::vector<double>{1, 2}},
                                           {.name = "b", .values = std::vector<float>{3}}};
  EXPECT_EQ(floats_of(tensors, "a", 2), (std::vector<float>{1, 2}));
  EXPECT_EQ(doubles_of(tensors, "b", 1), (std::vector<double>{3}));
  EXPECT_THAT([&] { doubles_of(tensors, "c", 1); }, ThrowsMessage<specification_error>(HasSubstr("no parameter c")));
  EXPECT_THAT([&] { doubles_of(tensors, "a", 3); }, ThrowsMessage<specification_error>(HasSubstr("2 numbers, not 3")));
}

}  // namespace
}  // namespace cotscale
