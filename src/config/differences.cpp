// How two specifications in canonical TOML differ.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "cotscale/config/differences.hpp"
#include "cotscale/config/problems.hpp"
#include "cotscale/config/toml_text.hpp"

namespace cotscale {
namespace {

// The value of a key: its text, and the texts of its elements if it is a list.
struct value {
  std::string text;
  std::vector<std::string> elements;
};

std::string text_of(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& v) { text << toml::default_formatter(v); });
  return text.str();
}

value value_of(const toml::node& node) {
  value out{text_of(node), {}};
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& element : *list) out.elements.push_back(text_of(element));
  }
  return out;
}

std::map<std::string, value> flattened(const std::string& text) {
  std::map<std::string, value> flat;
  const auto walk = [&](const auto& self, const toml::table& table, const std::string& prefix) -> void {
    for (const auto& [key, node] : table) {
      const std::string path = prefix + std::string(key.str());
      if (const toml::table* inner = node.as_table()) {
        self(self, *inner, path + ".");
      } else if (const toml::array* list = node.as_array(); list != nullptr && list->is_array_of_tables()) {
        for (std::size_t i = 0; i < list->size(); ++i) {
          self(self, *list->get(i)->as_table(), fmt::format("{}[{}].", path, i));
        }
      } else {
        flat[path] = value_of(node);
      }
    }
  };
  const toml::table root = config::parse_text(text, "config_toml");
  walk(walk, root, "");
  return flat;
}

// The elements of `all` that `others` has not, as they may stand in a message.
std::string missing_from(const std::vector<std::string>& others, const std::vector<std::string>& all) {
  constexpr std::size_t most_bytes = 200;
  const std::set<std::string> there(others.begin(), others.end());
  std::vector<std::string> missing;
  std::copy_if(all.begin(), all.end(), std::back_inserter(missing), [&](const auto& e) { return !there.contains(e); });
  return config::shortened(config::listed(missing), most_bytes);
}

// Of long lists only what one of them has and the other has not: a reader could not find it among hundreds of values.
std::string change(const value& before, const value& now) {
  constexpr std::size_t longest_list = 10, most_bytes = 500;
  if (std::min(before.elements.size(), now.elements.size()) <= longest_list) {
    return fmt::format("in the file {}, now {}", config::shortened(before.text, most_bytes),
                       config::shortened(now.text, most_bytes));
  }
  const std::string stored_only = missing_from(now.elements, before.elements);
  const std::string current_only = missing_from(before.elements, now.elements);
  return fmt::format("in the file {} values, now {}{}{}{}", before.elements.size(), now.elements.size(),
                     stored_only.empty() ? "" : "; only in the file " + stored_only,
                     current_only.empty() ? "" : "; only now " + current_only,
                     stored_only.empty() && current_only.empty() ? ", in another order" : "");
}

}  // namespace

std::vector<std::string> differences(const std::string& stored_toml, const std::string& current_toml) {
  const auto stored = flattened(stored_toml);
  const auto current = flattened(current_toml);
  std::vector<std::string> lines;
  const auto value_in = [](const auto& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? value{"(not set)", {}} : found->second;
  };
  std::map<std::string, value> keys = stored;
  keys.insert(current.begin(), current.end());
  for (const auto& [key, unused] : keys) {
    const value before = value_in(stored, key);
    const value now = value_in(current, key);
    if (before.text != now.text) lines.push_back(fmt::format("{}: {}", key, change(before, now)));
  }
  return lines;
}

}  // namespace cotscale
