#include "cotscale/experiment/cost_model.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cotscale {
namespace {

constexpr const char* text = R"(
[sweep]
models = ["lsa"]
mixtures = ["skewed"]
hardness = 40.0
n = 10
[task]
d = 10
[test]
k = 20
m = 100
prompts = 1000
[models.lsa]
architecture = "lsa"
[models.other]
architecture = "lsa"
[models.learned]
architecture = "lsa"
training = "samples"
[models.transformer]
architecture = "gpt2"
size = "tiny"
objective = "rollout"
k_train = 20
)";

cell_cost cost(const std::vector<std::string>& changes, int threads = 1) {
  std::vector<override_key> overrides;
  for (const std::string& change : changes) overrides.push_back(parse_override(change));
  const specification spec = parse_specification(text, "test.toml", ".", overrides);
  return cost_model(spec).estimate(make_cell(make_coordinates(spec), 0), threads);
}

TEST(cost_model, costs_grow_with_what_makes_cells_longer) {
  const cell_cost base = cost({});
  EXPECT_GT(base.seconds, 0);
  EXPECT_GT(cost({"test.prompts=20000"}).seconds, 5 * base.seconds);
  EXPECT_GT(cost({"test.m=[100,200]"}).seconds, 1.3 * base.seconds);
  EXPECT_GT(cost({"test.k=200"}).seconds, 2 * base.seconds);
  EXPECT_LT(cost({"test.baselines=false"}).seconds, base.seconds);
  EXPECT_LT(cost({"theory.draws=0"}).seconds, base.seconds);
  EXPECT_GT(cost({"theory.draws=32000"}).seconds, 2 * base.seconds);
  EXPECT_EQ(cost({"models.lsa.tolerance=1e-3"}).seconds, base.seconds) << "steps are skipped";
  EXPECT_EQ(cost({"models.lsa.max_steps=1000"}).seconds, base.seconds);
  EXPECT_GT(cost({"models.lsa.roll_out=definition"}).seconds, 10 * base.seconds);
  EXPECT_GT(cost({"models.lsa.roll_out=definition"}).bytes, base.bytes);
  EXPECT_LT(cost({"test.prompts=20000"}, 2).seconds, 0.8 * cost({"test.prompts=20000"}).seconds) << "two threads";
}

TEST(cost_model, costs_of_test_prompts_depend_on_their_length_only_if_examples_are_drawn) {
  EXPECT_DOUBLE_EQ(cost({"test.m=100"}).seconds, cost({"test.m=10000"}).seconds);
  EXPECT_LT(cost({"test.m=2"}).seconds, cost({"test.m=100"}).seconds) << "below d, the factor is smaller";
  EXPECT_GT(cost({"test.m=10000", "test.sampler=explicit"}).seconds,
            20 * cost({"test.m=100", "test.sampler=explicit"}).seconds);
  EXPECT_GT(cost({"test.sampler=explicit"}).seconds, cost({}).seconds);
}

TEST(cost_model, costs_of_learning_from_samples_grow_with_steps_batches_and_chains) {
  const auto learned = [](std::vector<std::string> changes) {
    changes.emplace_back("sweep.models=learned");
    return cost(changes).seconds;
  };
  const double base = learned({});
  EXPECT_GT(base, 10 * cost({}).seconds);
  EXPECT_NEAR(learned({"models.learned.steps=8000"}) / base, 2, 0.1);
  EXPECT_NEAR(learned({"models.learned.batch=512"}) / base, 2, 0.1);
  EXPECT_GT(learned({"models.learned.objective=outcome", "models.learned.k_train=5"}), 3 * base);
}

TEST(cost_model, costs_of_a_transformer_grow_with_its_size_and_its_prompts) {
  const auto transformer = [](std::vector<std::string> changes, int threads = 1) {
    for (const char* always : {"sweep.models=transformer", "test.m=10", "theory.draws=0"}) changes.emplace_back(always);
    return cost(changes, threads);
  };
  const cell_cost base = transformer({});
  EXPECT_NEAR(transformer({"models.transformer.steps=8000"}).seconds / base.seconds, 2, 0.1);
  EXPECT_GT(transformer({"sweep.n=40"}).seconds, 2 * base.seconds);
  EXPECT_GT(transformer({"models.transformer.size=small"}).seconds, 6 * base.seconds);
  EXPECT_NEAR(transformer({}, 2).seconds / base.seconds, 0.5, 0.02);
  const cell_cost prefixes = transformer({"models.transformer.prefix_weight=1"});
  EXPECT_GT(prefixes.seconds, 1.05 * base.seconds);
  EXPECT_LT(prefixes.seconds, 1.25 * base.seconds) << "queries of labels in one of three blocks";
  EXPECT_GT(prefixes.bytes, base.bytes);
  // standard, batch 64, 100 tokens: 425 MB in all were measured with one thread, 690 MB with two, some 40 MB of which
  // are the program
  const std::vector<std::string> standard{"models.transformer.size=standard", "sweep.n=40"};
  EXPECT_NEAR(static_cast<double>(transformer(standard).bytes), 390e6, 80e6);
  EXPECT_NEAR(static_cast<double>(transformer(standard, 2).bytes), 650e6, 120e6);
}

TEST(cost_model, what_cells_share_counts_in_parts) {
  const double base = cost({}).seconds;
  EXPECT_LT(cost({"sweep.repeats=50"}).seconds, base) << "training is shared by repeats";
  EXPECT_LT(cost({"sweep.n=[10,20,40,80]"}).seconds, base) << "baselines are shared by n";
  EXPECT_LT(cost({"sweep.models=[\"lsa\",\"other\"]"}).seconds, base) << "theory is shared by models";
  const double learned = cost({"sweep.models=learned"}).seconds;
  EXPECT_GT(cost({"sweep.models=learned", "sweep.repeats=50"}).seconds, 0.9 * learned)
      << "but learning from samples is not shared";
}

// 100,000 cells of 3 and of 21 errors: 22 and 47 MB more than 100 cells were measured.
TEST(kept_bytes, follow_what_was_measured) {
  const auto megabytes = [](const std::string& k, double seconds) {
    const specification spec = parse_specification(
        "[sweep]\nmodels = ['l']\nmixtures = ['matched', 'isotropic']\nhardness = [3.0, 4.0, 5.0, 6.0, 7.0]\n"
        "n = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]\nrepeats = 1000\n[task]\nd = 2\n"
        "[test]\nm = 2\nprompts = 2\nbaselines = false\nk = " +
            k + "\n[theory]\ndraws = 0\n[models.l]\narchitecture = 'lsa'\ntraining = 'closed_form'\n",
        "many.toml", ".");
    const coordinates grid = make_coordinates(spec);
    return 1e-6 * static_cast<double>(kept_bytes(spec, grid, std::vector<double>(grid.cell_count(), seconds)));
  };
  EXPECT_NEAR(megabytes("2", 73e-6), 30, 6);
  EXPECT_NEAR(megabytes("20", 93e-6), 38, 8);
}

TEST(kept_bytes, are_none_without_cells) {
  const specification spec = parse_specification(
      "[sweep]\nmodels = ['l']\nmixtures = ['matched']\nhardness = 3.0\nn = 5\n[task]\nd = 2\n"
      "[test]\nm = 2\nprompts = 2\nk = 1\n[models.l]\narchitecture = 'lsa'\n",
      "one.toml", ".");
  EXPECT_EQ(kept_bytes(spec, make_coordinates(spec), {}), 0U);
  EXPECT_GT(kept_bytes(spec, make_coordinates(spec), std::vector<double>{1}), 0U);
}

}  // namespace
}  // namespace cotscale
