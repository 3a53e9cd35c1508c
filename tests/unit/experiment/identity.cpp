// Identities of cells: equal ones mean equal bits, names and the rest of the grid do not matter, and whatever changes
// numbers changes them.
#include "cotscale/experiment/identity.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cotscale/experiment/cell.hpp"
#include "support/dice.hpp"
#include "unit/experiment/every_key.hpp"

namespace cotscale {
namespace {

// ---- every key ----

using identity = every_key;

// Axes of cells: the first cell has the first of their values, whatever else there is.
const std::set<std::string> axes{"models", "mixtures", "hardness", "n", "repeats"};

cell_identity first_identity(const specification& spec) {
  const coordinates grid = make_coordinates(spec);
  return cell_identities(spec, grid).of(make_cell(grid, 0));
}

std::string as_text(const cell_identity& id) { return fmt::format("{:016x}{:016x}", id.high, id.low); }

TEST_F(identity, follows_every_key_that_numbers_depend_on_and_no_other) {
  std::size_t without = 0;
  for (const config::table_declaration& declared : specification_tables()) {
    const std::vector<config::entry> entries = config::entries_of(declared);
    for (const config::entry& e : entries) {
      const std::string key = declared.name + "." + e.name;
      const bool is_axis = declared.name == "sweep" && axes.contains(e.name);
      if (of_results.contains(e.name) || e.name.ends_with("sha256") || is_axis) continue;
      SCOPED_TRACE(key);
      std::set<std::string> texts, identities;
      for (toml::table& root : settings(declared.name, entries, e)) {
        // A mixture that depends on all of it.
        if (declared.name == "tasks" || declared.name == "select")
          set(*root["sweep"].as_table(), "mixtures", "'exact'");
        const specification spec = accepted(root).value();
        texts.insert(to_toml(spec));
        identities.insert(as_text(first_identity(spec)));
      }
      // Of a file, and of the mixture of a stage, the contents matter.
      const bool matters = e.numbers || e.name.ends_with("file") || key == "models.NAME.stages.mixture";
      EXPECT_EQ(identities.size(), matters ? texts.size() : 1);
      without += e.numbers ? 0 : 1;
    }
  }
  EXPECT_GE(without, 6U) << "keys without numbers are declared so";
}

TEST_F(identity, of_a_file_is_that_of_its_contents) {
  std::filesystem::copy_file(directory_ / "one.h5", directory_ / "same.h5");
  std::set<std::string> identities;
  for (const char* file : {"'one.h5'", "'same.h5'", "'other.h5'"}) {
    toml::table target;
    set(target, "file", file);
    identities.insert(as_text(first_identity(accepted(whole("target", target)).value())));
  }
  EXPECT_EQ(identities.size(), 2U);
}

// ---- sweeps that have cells in common ----

const std::vector<std::string> model_tables{
    "architecture = \"lsa\"\n",
    "architecture = \"lsa\"\ntraining = \"closed_form\"\nc = 2\n",
    "architecture = \"lsa\"\ntraining = \"samples\"\nobjective = \"rollout\"\nk_train = 2\nsteps = 5\nbatch = 8\n",
    "architecture = \"lsa\"\ntraining = \"samples\"\noptimizer = \"muon\"\ninitialisation = \"random\"\nsteps = "
    "40\nbatch = 8\n",
    "architecture = \"lsa\"\nroll_out = \"definition\"\n",
    "architecture = \"softmax\"\nsteps = 3\nbatch = 8\n",
    "architecture = \"gpt2\"\nsize = \"free\"\nlayers = 1\nheads = 1\nwidth = 8\nobjective = \"rollout\"\nk_train = "
    "2\nsteps = 3\nbatch = 4\n"};

const std::vector<std::string> mixture_tables{"matched",
                                              "isotropic",
                                              "skewed",
                                              "uniform",
                                              "selected",
                                              "exact",
                                              "spectrum = \"list\"\neigenvalues = [3, 1, 0.5]\n",
                                              "spectrum = \"power_law\"\nexponent = 0.5\nfeatures = \"rademacher\"\n",
                                              "probabilities = [1, 0, 2]\n"};
constexpr std::size_t first_own_mixture = 6;

// Numbers of tables, with the names that a sweep gives them.
using named_tables = std::vector<std::pair<std::size_t, std::string>>;

struct sweep {
  std::string rest;  // of the specification, the same for sweeps with cells in common
  double noise = 0;
  named_tables models, mixtures;
  std::vector<double> hardness;
  std::vector<int> n;
  int repeats = 1, draws = 4;
  std::string name = "small";
  bool keep_weights = false;

  specification read() const {
    std::vector<std::string> model_names, mixture_names;
    std::string tables;
    for (const auto& [number, own] : models) {
      model_names.push_back(own);
      tables += fmt::format("[models.{}]\n{}keep_weights = {}\n", own, model_tables[number], keep_weights);
    }
    for (const auto& [number, own] : mixtures) {
      mixture_names.push_back(own);
      if (number >= first_own_mixture) tables += fmt::format("[mixtures.{}]\n{}", own, mixture_tables[number]);
    }
    const std::string text = fmt::format(
        "[theory]\ndraws = {}\n[sweep]\nname = \"{}\"\nmodels = {}\nmixtures = {}\nhardness = {}\nn = {}\nrepeats = "
        "{}\n{}[tasks]\nexponents = 0.5\ndirections = 3\neach = 3\n[select]\nsamples = 4\nmax_samples = 8\n{}",
        draws, name, model_names, mixture_names, hardness, n, repeats, rest, tables);
    return parse_specification(text, "test.toml", ".");
  }
};

bool has(const named_tables& tables, std::size_t number) {
  return std::any_of(tables.begin(), tables.end(), [&](const auto& t) { return t.first == number; });
}

class sweeps {
 public:
  explicit sweeps(std::uint64_t seed) : dice_(seed) {}

  sweep small() {
    sweep out;
    out.noise = dice_.one_of<double>({0, 0, 0.1});
    out.rest = fmt::format(
        "seed = {}\n[task]\nd = 3\nnoise = {}\n[target]\nrotation = \"{}\"\n[test]\nk = 2\nm = 4\nprompts = 8\n",
        dice_.one_of<int>({0, 7}), out.noise, dice_.one_of<std::string>({"none", "shared", "independent"}));
    while (out.models.empty() || dice_.one_of<int>({0, 1}) == 0) add_model(out, "a");
    while (out.mixtures.empty() || dice_.one_of<int>({0, 1}) == 0) add_mixture(out, "a");
    out.hardness = {6};
    out.n = {4};
    return out;
  }

  // The same cells under other names, in another order and among others.
  sweep grown(const sweep& s) {
    sweep out = s;
    for (auto& [number, name] : out.models) name = "z" + name;
    for (auto& [number, name] : out.mixtures) name = (number < first_own_mixture ? "" : "z") + name;
    while (dice_.one_of<int>({0, 1, 2}) > 0) add_model(out, "b");
    while (dice_.one_of<int>({0, 1, 2}) > 0) add_mixture(out, "b");
    std::reverse(out.models.begin(), out.models.end());
    std::reverse(out.mixtures.begin(), out.mixtures.end());
    out.hardness = dice_.one_of<std::vector<double>>({{12, 6}, {6, 9}});
    out.n = dice_.one_of<std::vector<int>>({{8, 4}, {4}});
    out.repeats = dice_.one_of<int>({1, 2, 3});
    out.draws = dice_.one_of<int>({0, 4, 8});
    out.name = "grown";
    out.keep_weights = !s.keep_weights;
    return out;
  }

 private:
  std::size_t below(std::size_t most) { return static_cast<std::size_t>(dice_.between(0, static_cast<double>(most))); }
  void add_model(sweep& s, const std::string& prefix) {
    const std::size_t number = below(model_tables.size());
    if (!has(s.models, number)) s.models.emplace_back(number, fmt::format("{}{}", prefix, number));
  }
  void add_mixture(sweep& s, const std::string& prefix) {
    const std::size_t number = below(mixture_tables.size());
    if (has(s.mixtures, number) || (s.noise > 0 && mixture_tables[number] == "exact")) return;
    const bool own = number >= first_own_mixture;
    s.mixtures.emplace_back(number, own ? fmt::format("{}{}", prefix, number) : mixture_tables[number]);
  }

  support::dice dice_;
};

const std::string& name_of(const named_tables& tables, std::size_t number) {
  return std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.first == number; })->second;
}

std::size_t number_of(const named_tables& tables, const std::string& name) {
  return std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.second == name; })->first;
}

// Whether two cells have the same bits in what both files hold, but for predictions and weights.
void expect_equal_bits(const cell_values& a, const cell_values& b) {
  for (const variable_slot& slot : a.schema()->slots()) {
    const variable& v = slot.declared;
    const variable_slot* other = b.schema()->find(v.name);
    if (other == nullptr || !v.group.empty() || v.name.starts_with("predicted_")) continue;
    const std::span<const std::byte> ours = a.bytes_of(slot), theirs = b.bytes_of(*other);
    const bool series = !v.axes.empty() && v.axes.back() == "training_step";  // goes on with the longest training
    ASSERT_TRUE(series || ours.size() == theirs.size()) << v.name;
    EXPECT_EQ(std::memcmp(ours.data(), theirs.data(), std::min(ours.size(), theirs.size())), 0) << v.name;
    if (!series) continue;
    const auto& longer = ours.size() > theirs.size() ? a : b;
    const std::vector<double> values = longer.doubles(v.name);
    EXPECT_TRUE(std::all_of(values.begin() + static_cast<std::ptrdiff_t>(std::min(ours.size(), theirs.size()) / 8),
                            values.end(), [](double x) { return std::isnan(x); }))
        << v.name;
  }
}

TEST(identities, of_cells_that_sweeps_have_in_common_are_equal_and_so_are_their_bits) {
  const std::size_t pairs = std::getenv("COTSCALE_LONG") != nullptr ? 1000 : 60;
  std::size_t compared = 0, other_sampler = 0;
  for (std::uint64_t seed = 0; seed < pairs; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    sweeps draw(seed);
    const sweep small = draw.small(), grown = draw.grown(small);
    const specification a = small.read(), b = grown.read();
    const coordinates of_a = make_coordinates(a), of_b = make_coordinates(b);
    const cell_identities ids_a(a, of_a), ids_b(b, of_b);
    cell_computer computer_a(a, of_a), computer_b(b, of_b);
    for (std::size_t i = 0; i < of_a.cell_count(); ++i) {
      const cell ours = make_cell(of_a, i);
      cell wanted = ours;
      wanted.model = name_of(grown.models, number_of(small.models, ours.model));
      wanted.mixture = name_of(grown.mixtures, number_of(small.mixtures, ours.mixture));
      const cell theirs = make_cell(of_b, cell_number(of_b, find_cell(of_b, wanted).value()));
      SCOPED_TRACE(describe(ours) + "; " + describe(theirs));
      if (resolved_sampler(a) != resolved_sampler(b)) {  // a model among the others needs the examples
        EXPECT_NE(ids_a.of(ours), ids_b.of(theirs));
        ++other_sampler;
        continue;
      }
      EXPECT_EQ(ids_a.text(ours), ids_b.text(theirs));
      EXPECT_EQ(ids_a.of(ours), ids_b.of(theirs));
      expect_equal_bits(computer_a.compute(ours, {}), computer_b.compute(theirs, {}));
      ++compared;
    }
  }
  EXPECT_GE(compared, pairs);
  EXPECT_GE(other_sampler, pairs / 60);
}

TEST(identities, of_a_grid_are_all_different_and_zero_where_no_cell_is_asked_for) {
  const specification spec = parse_specification(
      "[sweep]\nmodels = [\"one\", \"two\"]\nmixtures = [\"matched\", \"skewed\"]\nhardness = [5, 8]\nn = [3, 4]\n"
      "repeats = 2\n[sweep.axes]\n\"models.one.tolerance\" = [1e-8, 1e-6]\n[task]\nd = 4\n[test]\nk = 1\nm = "
      "2\nprompts "
      "= 5\n[models.one]\narchitecture = \"lsa\"\n[models.two]\narchitecture = \"lsa\"\nc = 3\n",
      "test.toml", ".");
  const coordinates grid = make_coordinates(spec);
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  std::size_t zeros = 0;
  for (const cell_identity& id : cell_identities(spec, grid).all()) {
    zeros += id == cell_identity() ? 1 : 0;
    if (id != cell_identity()) seen.emplace(id.high, id.low);
  }
  EXPECT_EQ(seen.size(), cells_asked_for(spec, grid).size());
  EXPECT_EQ(seen.size() + zeros, grid.cell_count());
}

// With noise in any of them, all cells have the baseline that needs it.
TEST(identities, know_the_baselines_that_other_values_of_a_varied_key_bring) {
  const auto first = [](const std::string& varied) {
    return first_identity(parse_specification(
        "[sweep]\nmodels = \"one\"\nmixtures = \"matched\"\nhardness = 5\nn = 3\n" + varied +
            "[task]\nd = 4\n[test]\nk = 1\nm = 2\nprompts = 5\n[models.one]\narchitecture = \"lsa\"\n",
        "test.toml", "."));
  };
  EXPECT_NE(first("[sweep.axes]\n\"task.noise\" = [0.0, 0.1]\n"), first(""));
  EXPECT_EQ(first("[sweep.axes]\n\"models.one.c\" = [1.0, 2.0]\n"), first(""));
}

TEST(identities, tell_the_versions_of_the_parts_that_they_are_made_of) {
  const specification spec = sweep{
      .rest = "[task]\nd = 3\n[test]\nk = 2\nm = 4\nprompts = 8\n",
      .models = {{3, "learned"}},
      .mixtures = {{7, "mine"}},
      .hardness = {6},
      .n = {4}}.read();
  const coordinates grid = make_coordinates(spec);
  const std::string versions = cell_identities(spec, grid).versions();
  for (const char* part :
       {"architecture lsa 1", "baseline ridge 1", "features gaussian 1", "features rademacher 1", "objective direct 1",
        "optimizer muon 1", "schedule cosine 1", "spectrum power_law 1", "weights gaussian 1"}) {
    EXPECT_NE(versions.find(part), std::string::npos) << part << " in " << versions;
  }
}

}  // namespace
}  // namespace cotscale
