#include "cotscale/config/overrides.hpp"

#include <fmt/format.h>

#include <sstream>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/config/problems.hpp"
#include "cotscale/config/toml_text.hpp"

namespace cotscale {

override_key parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    throw specification_error(fmt::format("--set {}: write --set key=value, for example --set test.prompts=100", text));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

namespace detail {

using namespace config;

void apply(toml::table& root, const override_key& o) {
  const std::string source = shortened(fmt::format("--set {}={}", o.key, o.value), 200);
  require_shallow(o.key + " = " + o.value, source);
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

}  // namespace detail
}  // namespace cotscale
