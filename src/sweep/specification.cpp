#include "cotscale/sweep/specification.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/hdf5/file.hpp"
#include "toml_reader.hpp"

namespace cotscale {
namespace {

using detail::listed;
using detail::nearest;
using detail::problem_list;
using detail::table_reader;

constexpr std::int64_t most_examples = 100'000'000;
constexpr std::int64_t most_dimensions = 20'000;

// The words of each enumeration, in the order of its values.
const std::vector<std::string> spectrum_words{"power_law", "list", "file"};
const std::vector<std::string> rotation_words{"none", "shared", "independent"};
const std::vector<std::string> scale_words{"none", "trace"};
const std::vector<std::string> training_words{"population", "closed_form"};
const std::vector<std::string> roll_out_words{"recursion", "definition"};
const std::vector<std::string> built_in_mixtures{std::string(matched_mixture), std::string(isotropic_mixture),
                                                 std::string(skewed_mixture)};

template<class Enum>
Enum value_of(const std::vector<std::string>& words, const std::string& word) {
  return static_cast<Enum>(std::find(words.begin(), words.end(), word) - words.begin());
}

template<class Enum>
const std::string& word_of(const std::vector<std::string>& words, Enum value) {
  return words.at(static_cast<std::size_t>(value));
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string file_contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || std::filesystem::is_directory(path)) {
    throw io_error(fmt::format("{}: cannot read the file; does it exist, and may you read it?", path.string()));
  }
  return text.str();
}

std::shared_ptr<const covariance> read_covariance_file(const std::string& path, int d) {
  const hdf5_file file = hdf5_file::open_read(path);
  if (!file.has("covariance")) throw specification_error(fmt::format("{} has no dataset `covariance`", path));
  if (const auto side = static_cast<std::uint64_t>(d); file.shape("covariance") != extents{side, side}) {
    throw specification_error(
        fmt::format("`covariance` in {} must have shape ({}, {}) for task.d = {}", path, d, d, d));
  }
  matrix values(d, d);
  const std::vector<double> raw = file.read<double>("covariance");
  std::copy(raw.begin(), raw.end(), values.data());
  try {
    return std::make_shared<const covariance>(covariance::from_matrix(values));
  } catch (const specification_error& e) {
    throw specification_error(fmt::format("{}: {}", path, e.what()));
  }
}

// Reads the keys of [target] or [mixtures.NAME].
covariance_specification read_covariance(table_reader& keys, const specification& spec, rotation default_rotation,
                                         bool needs_spectrum) {
  covariance_specification out;
  out.basis = value_of<rotation>(rotation_words,
                                 keys.choice("rotation", rotation_words, word_of(rotation_words, default_rotation)));
  const bool has_spectrum = keys.find("spectrum") != nullptr;
  std::string kind = keys.choice("spectrum", spectrum_words, "");
  if (!has_spectrum && keys.find("file") != nullptr) kind = "file";
  if (kind.empty() && needs_spectrum && !has_spectrum) keys.missing("spectrum", "\"power_law\"");
  if (has_spectrum && kind.empty()) return out;  // not one of the words; its other keys cannot be judged
  if (!kind.empty()) out.spectrum = value_of<covariance_specification::kind>(spectrum_words, kind);

  // Keys that belong to one kind of spectrum are refused with another, where they would silently do nothing.
  const auto only_with = [&](const std::string& key, const std::string& owner) {
    if (keys.find(key) != nullptr && kind != owner) {
      keys.problem(key, fmt::format("has an effect with spectrum = \"{}\" only; remove it, or set spectrum", owner));
    }
    return kind == owner;
  };
  if (only_with("exponent", "power_law")) {
    if (keys.find("exponent") == nullptr) keys.missing("exponent", "1.0");
    out.exponent = keys.number("exponent", 0);
  }
  if (only_with("eigenvalues", "list")) {
    out.eigenvalues = keys.number_list("eigenvalues");
    if (keys.find("eigenvalues") == nullptr) keys.missing("eigenvalues", "[1.0, 0.5]");
    const bool negative = std::any_of(out.eigenvalues.begin(), out.eigenvalues.end(),
                                      [](double x) { return !(x >= 0) || !std::isfinite(x); });
    const bool zero = std::all_of(out.eigenvalues.begin(), out.eigenvalues.end(), [](double x) { return x == 0; });
    if (negative) {
      keys.problem("eigenvalues",
                   "makes the covariance not positive semi-definite: every eigenvalue must be finite and ≥ 0");
    } else if (zero && !out.eigenvalues.empty()) {
      keys.problem("eigenvalues", "makes the covariance zero: at least one eigenvalue must be positive");
    }
    if (spec.d > 0 && out.eigenvalues.size() != static_cast<std::size_t>(spec.d)) {
      keys.problem("eigenvalues", fmt::format("has {} values, but task.d = {}", out.eigenvalues.size(), spec.d));
    }
  }
  if (only_with("sha256", "file")) out.sha256 = keys.text("sha256", "");
  if (only_with("file", "file")) {
    out.file = keys.text("file", "");
    if (out.file.empty()) {
      keys.missing("file", "\"covariance.h5\"");
    } else {
      try {
        const std::string actual = sha256(file_contents(spec.directory / out.file));
        if (!out.sha256.empty() && out.sha256 != actual) {
          keys.problem("sha256",
                       fmt::format("is {}, but {} has {}: the file has changed", out.sha256, out.file, actual));
        }
        out.sha256 = actual;
        if (spec.d > 0) out.stored = read_covariance_file((spec.directory / out.file).string(), spec.d);
      } catch (const io_error& e) {
        keys.problem("file", fmt::format("names a file that cannot be read ({})", e.what()));
      } catch (const specification_error& e) {
        keys.problem("file", fmt::format("names no covariance ({})", e.what()));
      }
    }
  }
  const bool scaled = keys.find("scale") != nullptr;
  out.scale_to_trace = keys.choice("scale", scale_words, "none") == "trace";
  if (scaled && kind.empty() && !has_spectrum) {
    keys.problem("scale",
                 "has an effect together with spectrum only; a target of the hardness axis has trace d already");
  }
  keys.finish();
  return out;
}

model_specification read_model(table_reader& keys) {
  model_specification out;
  if (keys.find("architecture") == nullptr) keys.missing("architecture", R"("lsa")");
  out.architecture = keys.choice("architecture", {"lsa"}, "lsa");
  out.objective = keys.choice("objective", {"direct"}, "direct");
  out.training = value_of<training_method>(training_words, keys.choice("training", training_words, "population"));
  out.roll_out = value_of<roll_out_method>(roll_out_words, keys.choice("roll_out", roll_out_words, "recursion"));
  out.c = keys.number("c", out.c);
  if (out.c == 0) keys.problem("c", "must not be 0: it scales the weights that stay fixed");
  const bool descends = out.training == training_method::population;
  for (const char* key : {"tolerance", "max_steps", "step_size"}) {
    if (!descends && keys.find(key) != nullptr)
      keys.problem(key, "has an effect with training = \"population\" only; remove it");
  }
  out.tolerance = keys.number("tolerance", out.tolerance);
  if (!(out.tolerance > 0)) keys.problem("tolerance", fmt::format("must be positive, got {}", out.tolerance));
  out.max_steps = keys.integer("max_steps", out.max_steps, 1, std::int64_t{1} << 40);
  if (keys.find("step_size") != nullptr) {
    out.step_size = keys.number("step_size", 1);
    if (!(*out.step_size > 0)) keys.problem("step_size", fmt::format("must be positive, got {}", *out.step_size));
  }
  keys.finish();
  return out;
}

const toml::table* subtable(table_reader& parent, const std::string& key) {
  const toml::node* node = parent.find(key);
  if (node == nullptr) return nullptr;
  if (node->is_table()) return node->as_table();
  parent.problem(key,
                 fmt::format("must be a table: write [{}] on a line of its own, and its keys below", parent.full(key)));
  return nullptr;
}

std::vector<std::string> names_in(const toml::table* table) {
  std::vector<std::string> names;
  if (table != nullptr) {
    for (const auto& [key, node] : *table) names.emplace_back(key.str());
  }
  return names;
}

void read_sweep(table_reader& keys, specification& spec) {
  spec.name = keys.text("name", "sweep");
  spec.seed =
      keys.integer("seed", 0, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
  spec.models = keys.text_axis("models", "[\"lsa\"]");
  spec.mixtures = keys.text_axis("mixtures", "[\"matched\"]");
  spec.n = keys.integer_axis("n", 1, "[10, 20, 40]");
  spec.repeats = static_cast<int>(keys.integer("repeats", 1, 1, 1'000'000));
  for (const std::int64_t n : spec.n) {
    if (n > most_examples) keys.problem("n", fmt::format("must be at most {}, got {}", most_examples, n));
  }
}

void read_test(table_reader& keys, specification& spec) {
  if (keys.find("k") == nullptr) keys.missing("k", "20");
  spec.steps = static_cast<int>(keys.integer("k", 0, 0, 1'000'000));
  spec.m = keys.integer_axis("m", 1, "1000");
  for (const std::int64_t m : spec.m) {
    if (m > most_examples) keys.problem("m", fmt::format("must be at most {}, got {}", most_examples, m));
  }
  if (keys.find("prompts") == nullptr) keys.missing("prompts", "1000");
  spec.prompts = static_cast<int>(keys.integer("prompts", 1, 1, most_examples));
  keys.finish();
}

void read_hardness(table_reader& keys, specification& spec) {
  if (spec.target.spectrum) {
    if (keys.find("hardness") != nullptr) {
      keys.problem("hardness",
                   "is set although [target] has a spectrum of its own, which decides it; remove one of the two");
    }
    return;
  }
  spec.hardness = keys.number_axis("hardness", "[10.0, 30.0]");
  for (const double hardness : spec.hardness) {
    if (spec.d == 1 && hardness != 1) {
      keys.problem("hardness", fmt::format("has the value {}, but for task.d = 1 it is always 1", hardness));
    } else if (hardness < spec.d) {
      keys.problem("hardness",
                   fmt::format("has the value {}, but tr(Σ)/λ_min(Σ) is at least d = {}", hardness, spec.d));
    }
  }
}

void read_models(const toml::table* tables, table_reader& sweep, specification& spec, problem_list& problems) {
  const std::vector<std::string> defined = names_in(tables);
  for (const std::string& model : spec.models) {
    if (contains(defined, model)) continue;
    const std::string near = nearest(model, defined);
    sweep.problem("models", fmt::format("names \"{}\", but there is no [models.{}]{}", model, model,
                                        near.empty() ? "; add it" : fmt::format("; did you mean \"{}\"?", near)));
  }
  for (const std::string& model : defined) {
    table_reader keys(tables->get(model)->as_table(), "models." + model, problems);
    if (!keys.present()) {
      problems.add(tables->get(model), fmt::format("models.{} must be a table: write [models.{}]", model, model));
      continue;
    }
    const model_specification table = read_model(keys);
    if (contains(spec.models, model)) spec.model_tables[model] = table;
  }
}

void read_mixtures(const toml::table* tables, table_reader& sweep, specification& spec, problem_list& problems) {
  std::vector<std::string> known = built_in_mixtures;
  for (const std::string& mixture : names_in(tables)) {
    if (contains(built_in_mixtures, mixture)) {
      problems.add(tables->get(mixture), fmt::format("mixtures.{} is built in; choose another name", mixture));
      continue;
    }
    known.push_back(mixture);
    table_reader keys(tables->get(mixture)->as_table(), "mixtures." + mixture, problems);
    if (!keys.present()) {
      problems.add(tables->get(mixture),
                   fmt::format("mixtures.{} must be a table: write [mixtures.{}]", mixture, mixture));
      continue;
    }
    const covariance_specification table = read_covariance(keys, spec, spec.target.basis, true);
    if (contains(spec.mixtures, mixture)) spec.mixture_tables[mixture] = table;
  }
  for (const std::string& mixture : spec.mixtures) {
    if (contains(known, mixture)) continue;
    sweep.problem("mixtures",
                  fmt::format(R"(names "{}", but there is no such mixture; did you mean "{}"? (there are {}))", mixture,
                              nearest(mixture, known), listed(known)));
  }
}

specification interpret(const toml::table& root, const std::string& source, const std::filesystem::path& directory) {
  problem_list problems(source);
  specification spec;
  spec.directory = directory;
  table_reader top(&root, "", problems);

  table_reader task(subtable(top, "task"), "task", problems);
  if (task.find("d") == nullptr) task.missing("d", "10");
  spec.d = static_cast<int>(task.integer("d", 0, 1, most_dimensions));
  task.finish();

  table_reader test(subtable(top, "test"), "test", problems);
  read_test(test, spec);

  table_reader target(subtable(top, "target"), "target", problems);
  spec.target = read_covariance(target, spec, rotation::none, false);

  table_reader sweep(subtable(top, "sweep"), "sweep", problems);
  read_sweep(sweep, spec);
  read_hardness(sweep, spec);
  read_models(subtable(top, "models"), sweep, spec, problems);
  read_mixtures(subtable(top, "mixtures"), sweep, spec, problems);
  sweep.finish();

  top.finish();
  problems.raise();
  return spec;
}

toml::table parse_text(const std::string& text, const std::string& source) {
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& e) {
    throw specification_error(fmt::format("{}:{}: not valid TOML: {}", source, e.source().begin.line, e.description()));
  }
}

// Sets a dotted key, making tables on the way.
void apply(toml::table& root, const override_key& o) {
  const std::string source = fmt::format("--set {}={}", o.key, o.value);
  toml::table parsed;
  try {
    parsed = toml::parse("value = " + o.value, source);
  } catch (const toml::parse_error&) {  // a plain word, to spare quotes within quotes
    std::ostringstream quoted;
    quoted << "value = " << toml::default_formatter(toml::value<std::string>(o.value));
    parsed = parse_text(quoted.str(), source);
  }
  toml::table* table = &root;
  std::string rest = o.key;
  for (std::size_t dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.')) {
    const std::string head = rest.substr(0, dot);
    rest = rest.substr(dot + 1);
    toml::node* next = table->get(head);
    if (next == nullptr) next = &table->insert(head, toml::table{}).first->second;
    if (!next->is_table()) throw specification_error(fmt::format("{}: {} is a value, not a table", source, head));
    table = next->as_table();
  }
  if (rest.empty()) throw specification_error(fmt::format("{}: the key is incomplete", source));
  table->insert_or_assign(rest, std::move(*parsed.get("value")));
}

// ---- writing ----

std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::default_formatter(toml::value<std::string>(text));
  return out.str();
}

std::string quoted_key(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return bare ? key : quoted(key);
}

// Shortest text that reads back as the same double, and as a float in TOML.
std::string shown(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string shown(std::int64_t value) { return fmt::format("{}", value); }
std::string shown(const std::string& value) { return quoted(value); }

template<class T>
std::string shown(const std::vector<T>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const T& value : values) texts.push_back(shown(value));
  return "[" + listed(texts) + "]";
}

class toml_writer {
 public:
  void table(const std::string& name) { text_ += fmt::format("{}[{}]\n", text_.empty() ? "" : "\n", name); }
  template<class T>
  void key(const std::string& name, const T& value) {
    text_ += fmt::format("{} = {}\n", name, shown(value));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void write(toml_writer& out, const covariance_specification& c) {
  if (c.spectrum) {
    out.key("spectrum", word_of(spectrum_words, *c.spectrum));
    switch (*c.spectrum) {
      case covariance_specification::kind::power_law:
        out.key("exponent", c.exponent);
        break;
      case covariance_specification::kind::list:
        out.key("eigenvalues", c.eigenvalues);
        break;
      case covariance_specification::kind::file:
        out.key("file", c.file);
        out.key("sha256", c.sha256);
        break;
    }
    out.key("scale", scale_words[c.scale_to_trace ? 1 : 0]);
  }
  out.key("rotation", word_of(rotation_words, c.basis));
}

void write(toml_writer& out, const model_specification& m) {
  out.key("architecture", m.architecture);
  out.key("objective", m.objective);
  out.key("training", word_of(training_words, m.training));
  out.key("roll_out", word_of(roll_out_words, m.roll_out));
  out.key("c", m.c);
  if (m.training != training_method::population) return;
  out.key("tolerance", m.tolerance);
  out.key("max_steps", m.max_steps);
  if (m.step_size) out.key("step_size", *m.step_size);
}

std::map<std::string, std::string> flattened(const std::string& text) {
  std::map<std::string, std::string> flat;
  const auto walk = [&](const auto& self, const toml::table& table, const std::string& prefix) -> void {
    for (const auto& [key, node] : table) {
      const std::string path = prefix + std::string(key.str());
      if (const toml::table* inner = node.as_table()) {
        self(self, *inner, path + ".");
      } else {
        std::ostringstream value;
        node.visit([&](const auto& v) { value << toml::default_formatter(v); });
        flat[path] = value.str();
      }
    }
  };
  const toml::table root = parse_text(text, "config_toml");
  walk(walk, root, "");
  return flat;
}

}  // namespace

const std::string& word_of(covariance_specification::kind kind) { return word_of(spectrum_words, kind); }

const std::string& word_of(rotation basis) { return word_of(rotation_words, basis); }

override_key parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    throw specification_error(fmt::format("--set {}: write --set key=value, for example --set test.prompts=100", text));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

specification parse_specification(const std::string& text, const std::string& source,
                                  const std::filesystem::path& directory, const std::vector<override_key>& overrides) {
  toml::table root = parse_text(text, source);
  for (const override_key& o : overrides) apply(root, o);
  return interpret(root, source, directory);
}

specification load_specification(const std::string& path, const std::vector<override_key>& overrides) {
  return parse_specification(file_contents(path), path, std::filesystem::path(path).parent_path(), overrides);
}

std::string to_toml(const specification& spec) {
  toml_writer out;
  out.table("sweep");
  out.key("name", spec.name);
  out.key("seed", spec.seed);
  out.key("models", spec.models);
  out.key("mixtures", spec.mixtures);
  if (!spec.target.spectrum) out.key("hardness", spec.hardness);
  out.key("n", spec.n);
  out.key("repeats", std::int64_t{spec.repeats});
  out.table("task");
  out.key("d", std::int64_t{spec.d});
  out.table("test");
  out.key("k", std::int64_t{spec.steps});
  out.key("m", spec.m);
  out.key("prompts", std::int64_t{spec.prompts});
  out.table("target");
  write(out, spec.target);
  for (const auto& [name, model] : spec.model_tables) {
    out.table("models." + quoted_key(name));
    write(out, model);
  }
  for (const auto& [name, mixture] : spec.mixture_tables) {
    out.table("mixtures." + quoted_key(name));
    write(out, mixture);
  }
  return out.text();
}

std::vector<std::string> differences(const std::string& stored_toml, const std::string& current_toml) {
  const auto stored = flattened(stored_toml);
  const auto current = flattened(current_toml);
  std::vector<std::string> lines;
  const auto value_in = [](const auto& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? std::string("(not set)") : found->second;
  };
  std::map<std::string, std::string> keys = stored;
  keys.insert(current.begin(), current.end());
  for (const auto& [key, unused] : keys) {
    const std::string before = value_in(stored, key);
    const std::string now = value_in(current, key);
    if (before != now) lines.push_back(fmt::format("{}: in the file {}, now {}", key, before, now));
  }
  return lines;
}

}  // namespace cotscale
