// The canonical text of a specification whose keys vary.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/config/problems.hpp"
#include "cotscale/config/toml_text.hpp"
#include "variants.hpp"

namespace cotscale::detail {
namespace {

// The lines of a canonical text, by table.
struct text_table {
  std::string heading;
  std::size_t number = 0;                                 ///< among those of a list, which have one heading
  std::vector<std::pair<std::string, std::string>> keys;  ///< and their lines
};

// A table's heading and number, and a key.
using line_place = std::tuple<std::string, std::size_t, std::string>;

std::vector<text_table> tables_of(const std::string& text) {
  std::vector<text_table> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) {
      const auto same = std::count_if(out.begin(), out.end(), [&](const text_table& t) { return t.heading == line; });
      out.push_back({line, static_cast<std::size_t>(same), {}});
    } else if (const std::size_t equals = line.find(" = "); equals != std::string::npos && !out.empty()) {
      out.back().keys.emplace_back(line.substr(0, equals), line);
    }
  }
  return out;
}

// Takes in what another text has beyond this one, and notes the keys whose lines differ.
void complete(std::vector<text_table>& all, const std::vector<text_table>& others, std::set<line_place>& differing) {
  for (const text_table& other : others) {
    auto table = std::find_if(all.begin(), all.end(), [&](const text_table& t) {
      return t.heading == other.heading && t.number == other.number;
    });
    if (table == all.end()) table = all.insert(all.end(), {other.heading, other.number, {}});
    for (const auto& [key, line] : other.keys) {
      const auto there = std::find_if(table->keys.begin(), table->keys.end(),
                                      [&, k = std::string_view(key)](const auto& entry) { return entry.first == k; });
      if (there == table->keys.end()) {
        table->keys.emplace_back(key, line);
      } else if (there->second != line) {
        differing.emplace(table->heading, table->number, key);
      }
    }
  }
}

// The keys of a text that were written by hand, in the places of a canonical text.
void collect_given(const toml::table& table, const std::string& path, const std::string& heading, std::size_t number,
                   std::set<line_place>& given) {
  for (const auto& [key, node] : table) {
    const std::string name = config::quoted_key(std::string(key.str()));
    const std::string inner = path.empty() ? name : path + "." + name;
    const toml::array* list = node.as_array();
    if (const toml::table* below = node.as_table()) {
      collect_given(*below, inner, fmt::format("[{}]", inner), 0, given);
    } else if (list != nullptr && list->is_array_of_tables()) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        collect_given(*list->get(i)->as_table(), inner, fmt::format("[[{}]]", inner), i, given);
      }
    } else {
      given.emplace(heading, number, name);
    }
  }
}

std::vector<std::string> texts_of(const specification& spec) {
  std::vector<std::string> out;
  for (const auto& variant : spec.variants) out.push_back(to_toml(*variant));
  return out;
}

// How often a key is written.
std::map<line_place, std::size_t> counts_of(const std::vector<std::string>& texts) {
  std::map<line_place, std::size_t> out;
  for (const std::string& text : texts) {
    for (const text_table& table : tables_of(text)) {
      for (const auto& [key, line] : table.keys) ++out[{table.heading, table.number, key}];
    }
  }
  return out;
}

// A key whose value differs is an axis, or has a default that follows one: it is left out, and follows it again. So
// are others that `omitted` has.
std::string common_text(const std::vector<std::string>& texts, const std::vector<varied_key>& axes_of,
                        std::set<line_place> omitted) {
  std::vector<text_table> tables;
  for (const std::string& text : texts) complete(tables, tables_of(text), omitted);
  for (text_table& table : tables) {
    std::erase_if(table.keys, [&](const auto& entry) {
      return omitted.contains({table.heading, table.number, entry.first});
    });
  }
  text_table axes{"[sweep.axes]", 0, {}};
  for (const varied_key& axis : axes_of) {
    axes.keys.emplace_back(axis.key, fmt::format("{} = [{}]", config::quoted(axis.key), config::listed(axis.values)));
  }
  tables.insert(tables.begin() + 1, std::move(axes));
  std::string text;
  for (const text_table& table : tables) {
    text += fmt::format("{}{}\n", text.empty() ? "" : "\n", table.heading);
    for (const auto& [key, line] : table.keys) text += line + "\n";
  }
  return text;
}

// Why a text does not read as these variants again; empty if it does.
std::string difference(const std::string& text, const std::vector<std::string>& variants,
                       const interpreter& interpret) {
  try {
    if (texts_of(read_variants(text, "with its defaults written out", {}, interpret)) == variants) return "";
    return "some combinations would have other values";
  } catch (const specification_error& e) {
    return e.what();
  }
}

}  // namespace

std::string text_of_variants(const specification& spec, const std::string& text, const std::string& source,
                             const std::vector<override_key>& overrides, const interpreter& interpret) {
  const std::vector<std::string> variants = texts_of(spec);
  const std::string all = common_text(variants, spec.axes, {});
  if (all == text || difference(all, variants, interpret).empty()) return all;
  // A default that has an effect with some values only may be wrong with others once it is written.
  toml::table root = config::parse_text(text, source);
  for (const override_key& o : overrides) apply(root, o);
  std::set<line_place> given, omitted;
  collect_given(root, "", "", 0, given);
  for (const auto& [place, count] : counts_of(variants)) {
    if (count < variants.size() && !given.contains(place)) omitted.insert(place);
  }
  const std::string less = common_text(variants, spec.axes, omitted);
  const std::string why = difference(less, variants, interpret);
  if (why.empty()) return less;
  throw specification_error(
      fmt::format("{}: sweep.axes: no one text with all defaults stands for these combinations; vary fewer keys, or "
                  "write out those "
                  "whose defaults follow a varied key ({})",
                  source, why));
}

}  // namespace cotscale::detail
