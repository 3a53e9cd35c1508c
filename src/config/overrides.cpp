#include "cotscale/config/overrides.hpp"

#include <fmt/format.h>

#include <charconv>
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

namespace {

// "stages[1]": a table of a list.
bool is_numbered(const std::string& word) { return word.ends_with(']') && word.find('[') != std::string::npos; }

// Null if there is no such table.
toml::node* numbered(toml::table& table, const std::string& word) {
  const std::size_t bracket = word.find('[');
  toml::array* list = table[word.substr(0, bracket)].as_array();
  std::size_t index = 0;
  const char *first = word.data() + bracket + 1, *last = word.data() + word.size() - 1;
  const auto [end, error] = std::from_chars(first, last, index);
  return list != nullptr && error == std::errc() && end == last ? list->get(index) : nullptr;
}

}  // namespace

namespace detail {

using namespace config;

void apply(toml::table& root, const override_key& o) {
  apply(root, o, shortened(fmt::format("--set {}={}", o.key, o.value), 200));
}

void apply(toml::table& root, const override_key& o, const std::string& source) {
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
  std::vector<std::string> words = words_of(o.key);
  const std::string last = std::move(words.back());
  words.pop_back();
  for (const std::string& head : words) {
    toml::node* next = is_numbered(head) ? numbered(*table, head) : table->get(head);
    if (next == nullptr && is_numbered(head)) {
      throw specification_error(fmt::format("{}: there is no table {}", source, head));
    }
    if (next == nullptr) next = &table->insert(head, toml::table{}).first->second;
    if (!next->is_table()) throw specification_error(fmt::format("{}: {} is a value, not a table", source, head));
    table = next->as_table();
  }
  if (last.empty()) throw specification_error(fmt::format("{}: the key is incomplete", source));
  table->insert_or_assign(last, std::move(*parsed.get("value")));
}

}  // namespace detail
}  // namespace cotscale
