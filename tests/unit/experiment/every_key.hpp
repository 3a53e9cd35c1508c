// Every declared key, set to some of its values in a whole specification that uses it: driven by the declarations, so
// that a new key is covered by itself.
#pragma once

#include <gtest/gtest.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/config/documentation.hpp"
#include "cotscale/config/toml_text.hpp"
#include "cotscale/experiment/specification.hpp"
#include "cotscale/hdf5/file.hpp"

namespace cotscale {

inline constexpr const char* base = R"(
[sweep]
models = ["lsa"]
mixtures = ["matched"]
hardness = 5
n = 4
[task]
d = 4
[test]
k = 1
m = 2
prompts = 5
[target]
[theory]
[tasks]
exponents = [0.2, 0.8]
directions = 2
each = 1
[select]
[models.lsa]
architecture = "lsa"
[models.one]
architecture = "lsa"
[models.two]
architecture = "lsa"
)";

// Values that declarations cannot know to be right: they depend on other tables, or on files. Weights of another sweep
// need a results file; test_gpt2_weights.py and test_resume.py begin with them.
inline const std::map<std::string, std::vector<std::string>> special{
    {"sweep.models", {"['one', 'two']", "'two'"}},
    {"sweep.mixtures", {"['isotropic', 'skewed']", "'isotropic'"}},
    {"sweep.hardness", {"[10.0, 30.0]", "4"}},
    {"target.degrees", {"9.5", "14.0"}},
    {"mixtures.NAME.degrees", {"9.5", "14.0"}},
    {"models.NAME.chain_start", {"0", "4"}},  // of k_train = 5, in 4000 steps of training
    {"models.NAME.chain_step", {"4", "5"}},
    {"models.NAME.stages.chain_start", {"0", "4"}},
    {"models.NAME.stages.chain_step", {"4", "5"}},
    {"sweep.record_every", {"1000", "2500"}},  // of a million steps
    {"models.NAME.stages.mixture", {"'isotropic'", "'skewed'"}},
    {"tasks.directions", {"[2, 3]", "1"}},
    {"target.eigenvalues", {"[1.0, 0.5, 0.25, 2.0]", "[1.0, 1.0, 1.0, 0.0]"}},
    {"mixtures.NAME.eigenvalues", {"[1.0, 0.5, 0.25, 2.0]", "[1.0, 1.0, 1.0, 0.0]"}},
    {"target.rows_file", {"'one.csv'", "'other.csv'"}},
    {"mixtures.NAME.rows_file", {"'one.csv'", "'other.csv'"}},
    {"target.file", {"'one.h5'", "'other.h5'"}},
    {"mixtures.NAME.file", {"'one.h5'", "'other.h5'"}},
    {"tasks.file", {"'tasks.h5'", "'more.h5'"}},
    {"mixtures.NAME.probabilities", {"[0.25, 1.0]", "[1, 0]"}}};
inline const std::set<std::string> of_results{"initial_file", "initial_sha256", "initial_model"};

inline void set(toml::table& table, const std::string& key, const std::string& value) {
  table.insert_or_assign(key, *config::parse_text("value = " + value, "value").get("value"));
}

inline std::string value_of(const toml::table& table, const std::string& key,
                            const std::vector<config::entry>& entries) {
  std::ostringstream text;
  if (const toml::node* node = table.get(key)) {
    node->visit([&](const auto& value) { text << toml::default_formatter(value); });
    return text.str();
  }
  const auto known = std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.name == key; });
  return known == entries.end() ? "" : known->fallback;
}

inline std::string replaced(std::string text, char from, char to) {
  std::replace(text.begin(), text.end(), from, to);
  return text;
}

inline bool has_rows(const toml::table& table) { return table["features"].value_or(std::string()) == "rows"; }

// Whether a condition of keys::when() holds in a table: `key = "a" or "b"`, `key = 1 or more`, `key`, `no key`.
inline bool holds(const std::string& condition, const toml::table& table, const std::vector<config::entry>& entries) {
  if (condition.starts_with("no ")) return !table.contains(condition.substr(3));
  if (condition == "a [target] that has neither spectrum nor rows") return true;
  if (condition == "a covariance that is not that of the rows") return !has_rows(table);
  const std::size_t equals = condition.find(" = ");
  if (equals == std::string::npos)
    return table.contains(condition) || (condition == "spectrum" && table.contains("file"));
  const std::string value = value_of(table, condition.substr(0, equals), entries);
  if (condition.ends_with(" or more")) return value != "0";
  return (" " + condition.substr(equals + 3) + " ").find(" " + replaced(value, '\'', '"') + " ") != std::string::npos;
}

// Makes the condition hold.
inline void establish(const std::string& condition, toml::table& table) {
  const std::size_t equals = condition.find(" = ");
  if (equals != std::string::npos) {
    const std::string words = condition.substr(equals + 3);
    set(table, condition.substr(0, equals), words.substr(0, words.find(" or ")));
  } else if (condition == "spectrum") {
    set(table, "spectrum", "'power_law'");
  } else if (condition == "file") {
    set(table, "file", "'tasks.h5'");
  }
}

inline std::vector<std::string> candidates(const std::string& table, const config::entry& e) {
  if (const auto found = special.find(table + "." + e.name); found != special.end()) return found->second;
  std::vector<std::string> values = e.samples;
  if (!e.example.empty()) values.insert(values.begin(), e.example);
  return values;
}

// A table in which the key has an effect, with all keys that are required then.
inline void complete(const std::string& name, toml::table& table, const std::vector<config::entry>& entries) {
  for (const config::entry& e : entries) {
    const bool applies = std::all_of(e.conditions.begin(), e.conditions.end(),
                                     [&](const std::string& c) { return holds(c, table, entries); });
    if (!e.required || !applies || table.contains(e.name)) continue;
    set(table, e.name, candidates(name, e).front());
  }
}

// The table in a whole specification that uses it.
inline toml::table whole(const std::string& name, const toml::table& table) {
  toml::table root = config::parse_text(base, "base");
  if (name == "models.NAME") {
    root["models"].as_table()->insert_or_assign("lsa", table);
  } else if (name == "models.NAME.stages") {  // its architecture is that of the model
    toml::table stage = table, model{{"architecture", table["architecture"].value_or(std::string("lsa"))}};
    if (model["architecture"] == "gpt2") model.insert("size", "tiny");
    stage.erase("architecture");
    model.insert("stages", toml::array{stage});
    root["models"].as_table()->insert_or_assign("lsa", model);
  } else if (name == "mixtures.NAME") {
    root.insert_or_assign("mixtures", toml::table{{"mine", table}});
    set(*root["sweep"].as_table(), "mixtures", "'mine'");
  } else {
    root.insert_or_assign(name, table);
  }
  const toml::table& target = *root["target"].as_table();
  if (target.contains("spectrum") || target.contains("file") || has_rows(target)) {
    root["sweep"].as_table()->erase("hardness");
  }
  return root;
}

// What the table begins with: what is in the base, or nothing where only required keys are.
inline toml::table beginning(const std::string& name) {
  const toml::table root = config::parse_text(base, "base");
  const bool own = name == "tasks" || root.get(name) == nullptr;
  return own ? toml::table{} : *root.get(name)->as_table();
}

class every_key : public testing::Test {
 protected:
  every_key() {
    std::filesystem::create_directory(directory_);
    write("one.h5", {4, 4}, 1);
    write("other.h5", {4, 4}, 2);
    write("tasks.h5", {2, 4, 4}, 1);
    write("more.h5", {2, 4, 4}, 2);
    std::ofstream(directory_ / "one.csv") << "1,2,3,5\n3,1,2,4\n0,4,1,2\n";
    std::ofstream(directory_ / "other.csv") << "1,2,3,5\n3,1,2,4\n0,4,1,3\n";
  }
  ~every_key() override { std::filesystem::remove_all(directory_); }

  // Identities times `scale`.
  void write(const std::string& name, const extents& shape, double scale) const {
    const std::size_t size = shape.size() == 2 ? 16 : 32;
    std::vector<double> values(size);
    for (std::size_t i = 0; i < size; i += i % 16 == 15 ? 1 : 5) values[i] = scale;
    hdf5_file file = hdf5_file::create((directory_ / name).string());
    file.create_dataset<double>("covariance", shape, 0.0);
    file.write<double>("covariance", values);
    file.close();
  }

  std::optional<specification> accepted(const toml::table& root) const {
    std::ostringstream text;
    text << root;
    try {
      return parse_specification(text.str(), "test.toml", directory_);
    } catch (const specification_error& e) {
      refusal_ = e.what();
      return std::nullopt;
    }
  }

  std::optional<std::string> canonical(const toml::table& root) const {
    const std::optional<specification> spec = accepted(root);
    if (!spec) return std::nullopt;
    const std::string resolved = to_toml(*spec);
    EXPECT_EQ(to_toml(parse_specification(resolved, "resolved.toml", directory_)), resolved);
    return resolved;
  }

  // Whole specifications with some values of a key, its default among them; those that are accepted.
  std::vector<toml::table> settings(const std::string& name, const std::vector<config::entry>& entries,
                                    const config::entry& e) const {
    toml::table table = beginning(name);
    for (const std::string& condition : e.conditions) establish(condition, table);
    if (e.name == "objective") establish("training = \"samples\"", table);  // "direct" is allowed without
    std::vector<toml::table> out;
    const auto take = [&](toml::table with) {
      complete(name, with, entries);
      toml::table root = whole(name, with);
      if (accepted(root)) out.push_back(std::move(root));
    };
    table.erase(e.name);
    if (!e.required) take(table);
    for (const std::string& value : candidates(name, e)) {
      toml::table with = table;
      set(with, e.name, value);
      take(with);
    }
    return out;
  }

  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("cotscale_declarations_" + std::to_string(getpid()));
  mutable std::string refusal_;
};

}  // namespace cotscale
