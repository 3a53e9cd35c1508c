#include "variants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/config/documentation.hpp"
#include "cotscale/config/field.hpp"
#include "cotscale/config/range.hpp"
#include "cotscale/config/toml_text.hpp"
#include "cotscale/experiment/coordinates.hpp"
#include "isotropy.hpp"

namespace cotscale::detail {
namespace {

using config::problem_list;

constexpr std::size_t most_variants = 10'000;

std::string text_of(const toml::node& node) {
  std::ostringstream out;
  node.visit([&](const auto& value) { out << toml::default_formatter(value); });
  return out.str();
}

// A text where only the node's own type tells integers from other numbers.
std::string number_text(const toml::node& node) {
  if (const auto integer = node.value_exact<std::int64_t>()) return config::toml_of(*integer);
  if (const auto number = node.value_exact<double>()) return config::toml_of(*number);
  return text_of(node);
}

// What is declared of the table of a dotted key; none if there is no such table.
std::vector<config::entry> declarations_beside(const std::vector<std::string>& words) {
  if (words.size() < 2) return {};
  const std::string table = config::declared_name({words.begin(), words.end() - 1});
  for (const config::table_declaration& declared : specification_tables()) {
    if (declared.name == table) return config::entries_of(declared);
  }
  return {};
}

// Why there is no such key.
std::string unknown(const std::vector<std::string>& words, const std::vector<config::entry>& known) {
  if (known.empty()) return "is no key of a table; write it with its table, as in \"models.NAME.learning_rate\"";
  const std::string table = config::declared_name({words.begin(), words.end() - 1});
  std::vector<std::string> names;
  for (const config::entry& e : known) names.push_back(e.name);
  return fmt::format("is no key of [{}]{} (`cotscale keys {}` lists them)", table,
                     config::suggestion(words.back(), names), table);
}

// Why a declared key cannot be an axis; empty if it can.
std::string refusal(const std::vector<std::string>& words) {
  if (words[0] == "sweep" && words[1] != "seed") {
    if (words[1] == "record_every") return "is one for the whole file; set sweep.record_every instead";
    return words[1] == "name" ? "has no effect on results; remove it"
                              : fmt::format("is an axis of its own; set sweep.{} instead", words[1]);
  }
  if (words[0] == "test" && (words[1] == "k" || words[1] == "m")) {
    return fmt::format("is an axis of the results already; set test.{} instead", words[1]);
  }
  return "";
}

// The values of an axis as TOML, without duplicates.
std::vector<std::string> values_of(const toml::node& node, const std::string& path, const config::entry& declared,
                                   problem_list& problems) {
  std::vector<std::string> out;
  if (const toml::table* range = node.as_table()) {
    if (declared.type.starts_with("integer")) {
      const auto values = config::read_integer_range(*range, path, problems);
      for (const std::int64_t value : values.value_or(std::vector<std::int64_t>()))
        out.push_back(config::toml_of(value));
    } else {
      const auto values = config::read_range(*range, path, problems);
      for (const double value : values.value_or(std::vector<double>())) out.push_back(config::toml_of(value));
    }
    return out;
  }
  const toml::array* list = node.as_array();
  // A key whose value is a list varies over lists.
  const bool of_lists = declared.type.starts_with("list") || declared.type.starts_with("axis");
  const bool values = list != nullptr && (!of_lists || (!list->empty() && list->front().is_array()));
  if (!values) return {number_text(node)};
  if (list->empty()) problems.add(&node, path + " is an empty list; give at least one value");
  for (const toml::node& element : *list) {
    std::string value = number_text(element);
    if (std::find(out.begin(), out.end(), value) != out.end()) {
      problems.add(&element, fmt::format("{} has the value {} twice", path, value));
    } else {
      out.push_back(std::move(value));
    }
  }
  return out;
}

// Where a value of an axis stands, for messages about the key that it was put into.
std::string place_of(const toml::node& node) {
  const toml::source_region& region = node.source();
  const std::string path = region.path ? *region.path : "";
  if (path.starts_with("--set")) return path;
  return fmt::format("{}:{}{}", path, region.begin.line, config::values_of_axes);
}

struct placed_axis {
  varied_key key;
  std::string place;
};

class axis_reader {
 public:
  axis_reader(const toml::table& root, problem_list& problems) : root_(root), problems_(problems) {}

  // Keys may be quoted as a whole, or dotted, which makes tables.
  void read(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string dotted = prefix + std::string(key.str());
      const toml::table* inner = node.as_table();
      if (inner != nullptr && !inner->contains("from") && !inner->contains("to")) {
        read(*inner, dotted + ".");
      } else {
        add(dotted, node);
      }
    }
  }

  // In an order that their text keeps, which is that of TOML's tables.
  std::vector<placed_axis> finish() {
    std::sort(axes_.begin(), axes_.end(),
              [](const placed_axis& a, const placed_axis& b) { return a.key.key < b.key.key; });
    for (placed_axis& axis : axes_) axis.key.name = name_of(axis.key);
    return std::move(axes_);
  }

 private:
  void add(const std::string& dotted, const toml::node& node) {
    const std::vector<std::string> words = config::words_of(dotted);
    const std::string path = fmt::format("sweep.axes.\"{}\"", dotted);
    const std::vector<config::entry> known = declarations_beside(words);
    const auto declared =
        std::find_if(known.begin(), known.end(), [&](const config::entry& e) { return e.name == words.back(); });
    const std::string why = declared == known.end() ? unknown(words, known) : refusal(words);
    if (!why.empty()) return problems_.add(&node, fmt::format("{} {}", path, why));
    if (words.size() > 2 && root_[words[0]][words[1]].as_table() == nullptr) {
      return problems_.add(&node, fmt::format("{} is a key of [{}.{}], and there is no such table; no cell has it",
                                              path, words[0], words[1]));
    }
    varied_key axis{
        .key = dotted, .name = {}, .values = values_of(node, path, *declared, problems_), .model = {}, .mixture = {}};
    if (words[0] == "models") axis.model = words[1];
    if (words[0] == "mixtures") axis.mixture = words[1];
    if (!axis.values.empty()) axes_.push_back({std::move(axis), place_of(node)});
  }

  // The last word; with the one before it where two would be equal.
  std::string name_of(const varied_key& axis) const {
    const std::vector<std::string> words = config::words_of(axis.key);
    const auto same = [&](const placed_axis& other) { return config::words_of(other.key.key).back() == words.back(); };
    const bool unique = std::count_if(axes_.begin(), axes_.end(), same) == 1;
    if (unique && !is_name_in_results(words.back())) return words.back();
    std::string table = words[words.size() - 2];  // "stages1" of stages[1]
    std::erase_if(table, [](char c) { return c == '[' || c == ']'; });
    return table + "_" + words.back();
  }

  const toml::table& root_;
  problem_list& problems_;
  std::vector<placed_axis> axes_;
};

toml::table parse(const std::string& text, const std::string& source, const std::vector<override_key>& overrides) {
  toml::table root = config::parse_text(text, source);
  for (const override_key& o : overrides) apply(root, o);
  return root;
}

// Takes the axes out of the tables.
std::vector<placed_axis> take_axes(toml::table& root, problem_list& problems) {
  toml::table* sweep = root["sweep"].as_table();
  if (sweep == nullptr || !sweep->contains("axes")) return {};
  axis_reader reader(root, problems);
  if (const toml::table* axes = sweep->get("axes")->as_table()) {
    reader.read(*axes, "");
  } else {
    problems.add(sweep->get("axes"),
                 "sweep.axes must be a table: write [sweep.axes] on a line of its own, and its keys below");
  }
  sweep->erase("axes");
  return reader.finish();
}

std::size_t product(const std::vector<varied_key>& axes) {
  std::size_t count = 1;
  for (const varied_key& axis : axes) {
    count *= axis.values.size();
    if (count > most_variants) return count;
  }
  return count;
}

std::vector<std::size_t> indices_of(const std::vector<varied_key>& axes, std::size_t number) {
  std::vector<std::size_t> out(axes.size());
  for (std::size_t i = axes.size(); i-- > 0;) {
    out[i] = number % axes[i].values.size();
    number /= axes[i].values.size();
  }
  return out;
}

}  // namespace

specification read_variants(const std::string& text, const std::string& source,
                            const std::vector<override_key>& overrides, const interpreter& interpret) {
  problem_list problems(source);
  toml::table root = parse(text, source, overrides);
  const std::vector<placed_axis> placed = take_axes(root, problems);
  if (placed.empty()) {
    specification only = interpret(root, problems);
    problems.raise();
    return only;
  }
  std::vector<varied_key> axes;
  for (const placed_axis& axis : placed) axes.push_back(axis.key);
  const std::size_t count = product(axes);
  if (count > most_variants) {
    problems.add(nullptr,
                 fmt::format("sweep.axes makes more than {} combinations of values; take fewer", most_variants));
    problems.raise();
  }
  // All varied keys are set anew each time; a copy of the tables would not know its lines.
  std::vector<specification> variants;
  for (std::size_t number = 0; number < count && !problems.full(); ++number) {
    const std::vector<std::size_t> at = indices_of(axes, number);
    for (std::size_t i = 0; i < axes.size(); ++i) {
      apply(root, {axes[i].key, axes[i].values[at[i]]}, placed[i].place);
    }
    variants.push_back(interpret(root, problems));
  }
  problems.raise();
  agree_on_samplers(variants);
  specification first = variants.front();
  for (specification& variant : variants) {
    first.variants.push_back(std::make_shared<const specification>(std::move(variant)));
  }
  first.axes = axes;
  return first;
}

}  // namespace cotscale::detail

namespace cotscale {

const specification& variant_of(const specification& spec, std::size_t number) {
  return spec.variants.empty() ? spec : *spec.variants.at(number);
}

std::vector<std::size_t> axis_indices(const specification& spec, std::size_t variant) {
  return detail::indices_of(spec.axes, variant);
}

std::vector<std::size_t> axis_indices(const specification& spec, std::size_t variant, const std::string& mixture) {
  std::vector<std::size_t> out = axis_indices(spec, variant);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const varied_key& key = spec.axes[i];
    if (!key.model.empty() || (!key.mixture.empty() && key.mixture != mixture)) out[i] = 0;
  }
  return out;
}

}  // namespace cotscale
