// How two specifications in canonical TOML differ.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <map>
#include <sstream>

#include "cotscale/config/differences.hpp"
#include "cotscale/config/toml_text.hpp"

namespace cotscale {
namespace {

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
  const toml::table root = config::parse_text(text, "config_toml");
  walk(walk, root, "");
  return flat;
}

}  // namespace

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
