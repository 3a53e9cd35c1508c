// The canonical text of a specification whose keys vary.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>

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

}  // namespace

std::string text_of_variants(const specification& spec) {
  // A key whose value differs is an axis, or has a default that follows one: it is left out, and follows it again.
  std::vector<text_table> tables;
  std::set<line_place> differing;
  for (const auto& variant : spec.variants) complete(tables, tables_of(to_toml(*variant)), differing);
  for (text_table& table : tables) {
    std::erase_if(table.keys, [&](const auto& entry) {
      return differing.contains({table.heading, table.number, entry.first});
    });
  }
  text_table axes{"[sweep.axes]", 0, {}};
  for (const varied_key& axis : spec.axes) {
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

}  // namespace cotscale::detail
