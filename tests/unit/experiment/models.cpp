// Architectures, as a table [models.NAME] makes them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/architecture/sequence_model.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/config/differences.hpp"
#include "cotscale/experiment/specification.hpp"
#include "cotscale/model/lsa_chain.hpp"

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

std::shared_ptr<const sequence_model> model_of(const specification& spec) {
  return spec.model_tables.at("it").architecture;
}

// Names of the keys that are declared.
class name_list final : public config::keys {
 public:
  std::vector<std::string> names;

 protected:
  void visit(const config::key& k, config::field&) override { names.emplace_back(k.name); }
  void open(bool, std::string_view) override {}
  void open_after(std::string_view) override {}
  void close() override {}
};

std::vector<std::string> names_of(const sequence_model& model, const key_choice& which) {
  name_list list;
  stored_weights stored;
  model.clone()->keys(list, which, stored);
  return list.names;
}

std::vector<tensor_values> trained(const sequence_model& model, const std::vector<tensor_values>* initial = nullptr) {
  const task_mixture tasks(covariance({1, 1, 1, 1}));
  const matrix identity = matrix::identity(4);
  training_problem problem{.tasks = tasks,
                           .n = 6,
                           .key = {1, 2},
                           .optimum = identity,
                           .directions = identity,
                           .record_steps = {},
                           .initial = initial};
  return model.train(problem, {})->tensors();
}

TEST(architectures, have_words_of_their_own_and_versions) {
  std::set<std::string_view> words;
  for (const sequence_model* model : all_architectures()) {
    EXPECT_TRUE(words.insert(model->word()).second) << model->word();
    EXPECT_FALSE(model->help().empty()) << model->word();
    EXPECT_GE(model->version(), 1) << model->word();
    EXPECT_EQ(model->clone()->word(), model->word());
  }
}

TEST(architectures, declare_each_key_for_the_model_or_for_a_training_in_one_order) {
  for (const sequence_model* model : all_architectures()) {
    SCOPED_TRACE(model->word());
    const std::vector<std::string> all = names_of(*model, {});
    const std::vector<std::string> own = names_of(*model, {.of_training = false});
    const std::vector<std::string> training = names_of(*model, {.of_model = false});
    EXPECT_THAT(training, testing::IsSupersetOf({"training", "objective", "k_train", "optimizer", "steps", "batch"}));
    EXPECT_THAT(own, testing::IsSupersetOf({"initialisation", "initial_file"}));
    std::size_t a = 0, b = 0;
    for (const std::string& name : all) {
      const bool of_model = a < own.size() && own[a] == name, of_training = b < training.size() && training[b] == name;
      EXPECT_NE(of_model, of_training) << name;
      a += of_model ? 1 : 0;
      b += of_training ? 1 : 0;
    }
    EXPECT_EQ(a, own.size());
    EXPECT_EQ(b, training.size());
  }
}

TEST(architectures, one_stage_of_training_hands_its_tensors_to_another) {
  const auto part_of = [](const std::string& keys) {
    return model_of(with_model(keys + "steps = 2\nbatch = 4\n"))->clone();
  };
  for (const std::string model : {"architecture = \"gpt2\"\nsize = \"free\"\nlayers = 1\nheads = 1\nwidth = 8\n",
                                  "architecture = \"lsa\"\ntraining = \"samples\"\n", "architecture = \"softmax\"\n"}) {
    SCOPED_TRACE(model);
    const auto first = part_of(model), second = part_of(model + "objective = \"outcome\"\nk_train = 5\n");
    first->make_room(5);
    const std::vector<tensor_values> handed = trained(*first), after = trained(*second, &handed);
    ASSERT_EQ(handed.size(), after.size());
    bool moved = false;
    for (std::size_t i = 0; i < handed.size(); ++i) {
      EXPECT_EQ(handed[i].size(), after[i].size()) << handed[i].name;
      moved = moved || handed[i].values != after[i].values;
    }
    EXPECT_TRUE(moved);
  }
}

TEST(architectures, linear_self_attention_needs_no_examples_but_by_its_definition) {
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

TEST(architectures, a_transformer_has_the_positions_of_its_training) {
  const specification spec =
      with_model("architecture = \"gpt2\"\nsize = \"tiny\"\nobjective = \"outcome\"\nk_train = 3\nsteps = 9\n");
  const auto model = model_of(spec);
  EXPECT_TRUE(model->limits().needs_examples);
  EXPECT_EQ(model->limits().most_steps, 3);
  EXPECT_THAT(model->limits().longer_chains, HasSubstr("raise k_train, or set weight_positions = \"shared\""));
  EXPECT_TRUE(model->limits().takes(6, 6));
  EXPECT_FALSE(model->limits().takes(7, 6));
  EXPECT_EQ(model->most_training_steps(), 9);
  EXPECT_FALSE(model->has_theory());
  EXPECT_TRUE(std::isnan(model->map_tolerance()));
}

TEST(architectures, a_transformer_may_be_tested_beyond_its_training) {
  const std::string keys = "architecture = \"gpt2\"\nsize = \"tiny\"\nobjective = \"outcome\"\nk_train = 3\n";
  const auto rows = [](const sequence_model& model) { return model.tensors(4, 6)[2].shape.front(); };
  const auto free_chain = model_of(with_model(keys + "weight_positions = \"shared\"\n"));
  EXPECT_FALSE(free_chain->limits().most_steps);
  EXPECT_FALSE(free_chain->limits().takes(7, 6));
  EXPECT_EQ(rows(*free_chain), 12U + 1);
  for (const std::string positions : {"sinusoidal", "none"}) {
    const specification spec = with_model(keys + "positions = \"" + positions + "\"\n");
    EXPECT_EQ(model_of(spec)->limits().most_steps, 3);
    EXPECT_TRUE(model_of(spec)->limits().takes(1000, 6));
    EXPECT_EQ(rows(*model_of(spec)), 3U);
    EXPECT_EQ(to_toml(parse_specification(to_toml(spec), "again.toml", ".")), to_toml(spec));
  }
  const std::string defaults = to_toml(with_model(keys + "positions = \"learned\"\nweight_positions = \"own\"\n"));
  EXPECT_EQ(to_toml(with_model(keys)), defaults) << "texts from before these keys hold";
  // Memory of keys and values. Measured, with one thread and 7,500 tokens: 243 MB, where 248 were planned.
  const auto both = model_of(with_model(keys + "positions = \"none\"\nweight_positions = \"shared\"\n"));
  EXPECT_GT(both->bytes(4, 6, 50'000, 10, 3, 1), 3 * 16 * 2 * 64 * 4 * 100'000.0);
  EXPECT_GT(both->bytes(4, 6, 6, 10, 100'000, 1), 3 * 16 * 2 * 64 * 4 * 100'000.0);
}

TEST(architectures, a_transformer_has_the_shape_of_its_keys) {
  const auto shape_of = [](const sequence_model& model, const std::string& name) {
    const std::vector<model_tensor> tensors = model.tensors(4, 6);
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
    return found == tensors.end() ? std::vector<std::uint64_t>() : found->shape;
  };
  const auto model =
      model_of(with_model("architecture = \"gpt2\"\nsize = \"free\"\nlayers = 2\nheads = 3\nwidth = 12\nobjective = "
                          "\"outcome\"\nk_train = 3\n"));
  EXPECT_EQ(shape_of(*model, "h.1.attn.c_proj.weight"), (std::vector<std::uint64_t>{12, 12}));
  EXPECT_TRUE(shape_of(*model, "h.2.attn.c_proj.weight").empty());
  const std::vector<std::uint64_t> positions = shape_of(*model, "wpe.weight");
  const auto roomy = model->clone();
  roomy->make_room(7);
  roomy->make_room(2);
  EXPECT_EQ(roomy->limits().most_steps, 7);
  EXPECT_EQ(shape_of(*roomy, "wpe.weight").front(), positions.front() + 4);
  EXPECT_EQ(shape_of(*model, "wpe.weight"), positions) << "a clone is another";
}

TEST(architectures, entries_of_v_and_w_learn_as_the_keys_say) {
  // How many numbers of V₃₁, W₁₃, W₂₄ and all the rest have moved from c = 3.
  const auto moved = [](const std::string& keys) {
    const std::vector<tensor_values> got =
        trained(*model_of(with_model(keys + "objective = \"outcome\"\nk_train = 2\nc = 3\nsteps = 4\nbatch = 8\n")));
    const lsa_parameters start = full_parameters({.c = 3, .v31 = matrix(4, 4)});
    const lsa_rows rows{4};
    const auto within = [](int i, int first, int count) { return i >= first && i < first + count; };
    std::array<int, 4> counts{};
    for (int i = 0; i < rows.count(); ++i) {
      for (int j = 0; j < rows.count(); ++j) {
        const auto at =
            static_cast<std::size_t>(i) * static_cast<std::size_t>(rows.count()) + static_cast<std::size_t>(j);
        const bool v31 = within(i, rows.weight(), 4) && within(j, rows.feature(), 4);
        const bool w13 = within(i, rows.feature(), 4) && within(j, rows.weight(), 4);
        const bool w24 = i == rows.label() && j == rows.flag();
        counts[v31 ? 0 : 3] += std::get<0>(got[0].values)[at] != start.v(i, j) ? 1 : 0;
        counts[w13 ? 1 : w24 ? 2 : 3] += std::get<0>(got[1].values)[at] != start.w(i, j) ? 1 : 0;
      }
    }
    return counts;
  };
  for (const std::string model : {"architecture = \"lsa\"\ntraining = \"samples\"\n", "architecture = \"softmax\"\n"}) {
    SCOPED_TRACE(model);
    const std::string slice = model + "parameters = \"slice\"\n";
    EXPECT_EQ(moved(slice), (std::array{16, 0, 0, 0}));
    EXPECT_EQ(moved(slice + "train_w13 = true\n"), (std::array{16, 16, 0, 0}));
    EXPECT_EQ(moved(slice + "train_w24 = true\n"), (std::array{16, 0, 1, 0}));
    const std::array<int, 4> full = moved(model);
    EXPECT_EQ(full[2], 0);
    EXPECT_GT(full[3], 0);
    EXPECT_EQ(moved(model + "train_w24 = true\n")[2], 1);
    EXPECT_EQ(moved(slice + "initialisation = \"random\"\ninitial_scale = 1e-30\nlearning_rate = 1e-300\n"),
              (std::array{16, 0, 0, 0}));
  }
}

TEST(architectures, softmax_attention_reads_and_writes_its_keys) {
  const specification spec = with_model(
      "architecture = \"softmax\"\nown_columns = true\nparameters = \"slice\"\noptimizer = \"muon\"\n"
      "muon_momentum = 0.8\nnesterov = false\nvector_rate = 0.01\nschedule = \"linear\"\nfloor = 0.25\n");
  const std::string text = to_toml(spec);
  for (const char* line : {"own_columns = true", "parameters = 'slice'", "muon_momentum = 0.8", "nesterov = false",
                           "vector_rate = 0.01", "floor = 0.25"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_EQ(to_toml(parse_specification(text, "again.toml", ".")), text);
  EXPECT_TRUE(model_of(spec)->limits().needs_examples);
  EXPECT_FALSE(model_of(spec)->limits().most_steps);
}

TEST(architectures, keys_of_other_models_and_parts_are_refused) {
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
  const std::string gpt2 = "architecture = \"gpt2\"\nsize = \"tiny\"\n";
  refusal(gpt2 + "initialisation = \"stored\"\n", "initial_file is missing");
  refusal(gpt2 + "initialisation = \"random\"\n", R"(schemes for it: take "fan_in" or "gpt2")");
  refusal(gpt2 + "initialisation = \"theorem\"\n", R"(has not; take "fan_in" or "gpt2")");
  refusal(lsa + "initialisation = \"fan_in\"\n",
          R"("fan_in" is of transformers; take "theorem", "random" or "stored")");
  refusal(softmax + "initialisation = \"gpt2\"\n", R"("gpt2" is of transformers; take "theorem")");
}

// Files from before the key have weights of GPT-2's scheme: they differ from any text of now, and are not gone on with.
TEST(architectures, the_initialisation_of_a_transformer_always_stands_in_the_text) {
  for (const std::string word : {"", "fan_in", "gpt2"}) {
    const std::string key = word.empty() ? "" : "initialisation = \"" + word + "\"\n";
    const std::string text = to_toml(with_model("architecture = \"gpt2\"\nsize = \"tiny\"\n" + key));
    const std::string line = "initialisation = '" + (word.empty() ? "fan_in" : word) + "'\n";
    ASSERT_THAT(text, HasSubstr(line));
    EXPECT_EQ(to_toml(parse_specification(text, "again.toml", ".")), text);
    std::string before = text;
    before.erase(before.find(line), line.size());
    EXPECT_THAT(differences(before, text),
                testing::ElementsAre(HasSubstr(".initialisation: in the file (not set), now")));
  }
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
