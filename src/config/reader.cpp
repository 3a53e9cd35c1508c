#include "cotscale/config/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <utility>

#include "cotscale/config/conditions.hpp"
#include "cotscale/config/field.hpp"
#include "cotscale/config/toml_text.hpp"

namespace cotscale::config {
namespace {

bool is_part_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Whether the name stands in the text as a word.
bool mentions(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !is_part_of_word(text[at - 1])) && (end == text.size() || !is_part_of_word(text[end]))) return true;
  }
  return false;
}

}  // namespace

std::string reader::full(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

// As it stands in the brackets of a table.
std::string reader::quoted_path(const std::string& name) const {
  return path_.empty() ? quoted_key(name) : fmt::format("{}.{}", path_, quoted_key(name));
}

bool reader::applies() const {
  return std::all_of(conditions_.begin(), conditions_.end(), [](const condition& c) { return c.applies && c.decided; });
}

bool reader::decided() const {
  return std::all_of(conditions_.begin(), conditions_.end(), [](const condition& c) { return c.decided; });
}

std::string reader::given_word(std::string_view name) const {
  const toml::node* node = find(name);
  return node == nullptr ? "" : node->value<std::string>().value_or("");
}

void reader::open(bool applies, std::string_view text) {
  const bool decided =
      std::none_of(unread_.begin(), unread_.end(), [&](const auto& name) { return mentions(text, name); });
  conditions_.push_back({.applies = applies, .decided = decided, .text = std::string(text)});
}

void reader::open_after(std::string_view name) {
  conditions_.push_back({.applies = true, .decided = !unread_.contains(name), .text = ""});
}

// Of several conditions on which a key would have an effect, the one that most of holds already is named, with those
// on which the same key decides.
void reader::refuse(standing& s) const {
  const auto first =
      std::find_if(conditions_.begin(), conditions_.end(), [](const condition& c) { return !c.applies; });
  const auto depth = static_cast<std::size_t>(first - conditions_.begin()) + 1;
  if (s.depth > depth) return;
  s.condition = s.depth < depth ? first->text : either(s.condition, first->text).value_or(s.condition);
  s.depth = depth;
}

void reader::visit(const key& k, field& f) {
  standing& s = known_[std::string(k.name)];
  if (!decided()) {
    s.settled = true;
    return;
  }
  if (!applies()) return refuse(s);
  s.settled = true;
  const toml::node* node = find(k.name);
  if (node != nullptr) {
    problems_.note_effect(full(k.name));
    if (!f.read(*node, full(k.name), problems_)) mark_unread(k.name);
  } else if (k.required) {
    problems_.add(table_, fmt::format("{} is missing; set it, for example {} = {}", full(k.name), k.name, k.example));
    mark_unread(k.name);
  }
}

void reader::mark_unread(std::string_view name) {
  unread_.emplace(name);
  wrong_.emplace(name);
}

void reader::problem(std::string_view name, const std::string& message) {
  if (!applies() || !wrong_.emplace(name).second) return;
  const toml::node* node = find(name);
  problems_.add(node != nullptr ? node : table_, fmt::format("{} {}", full(name), message));
}

void reader::problem_at(std::string_view name, std::size_t index, const std::string& message) {
  if (!applies()) return;
  sound_ = false;
  const toml::node* node = find(name);
  const toml::array* list = node == nullptr ? nullptr : node->as_array();
  if (list != nullptr && index < list->size() && !unread_.contains(name)) node = list->get(index);
  problems_.add(node != nullptr ? node : table_, fmt::format("{} {}", full(name), message));
}

const toml::table* reader::subtable(const std::string& name) {
  known_[name].settled = true;
  const toml::node* node = find(name);
  if (node == nullptr) return nullptr;
  if (node->is_table()) return node->as_table();
  problem(name, fmt::format("must be a table: write [{}] on a line of its own, and its keys below", quoted_path(name)));
  return nullptr;
}

std::vector<const toml::table*> reader::subtables(const std::string& name) {
  known_[name].settled = true;
  const toml::node* node = find(name);
  if (node == nullptr) return {};
  std::vector<const toml::table*> out;
  if (const toml::array* list = node->as_array(); list != nullptr && list->is_array_of_tables()) {
    for (const toml::node& element : *list) out.push_back(element.as_table());
  } else {
    problem(name,
            fmt::format("must be a list of tables: write [[{}]] on a line of its own for each, and its keys below",
                        quoted_path(name)));
  }
  return out;
}

void reader::report_unknown(const std::string& name, const toml::node& node) {
  sound_ = false;
  if (problems_.full()) return problems_.count();
  constexpr std::size_t few = 12;
  std::vector<std::string> candidates;
  for (const auto& entry : known_) candidates.push_back(entry.first);
  const std::string near = nearest(name, candidates);
  const std::string known = candidates.size() > few ? fmt::format("`cotscale keys {}` lists all {}",
                                                                  declared_name(words_of(path_)), candidates.size())
                                                    : fmt::format("known here: {}", listed(candidates));
  problems_.add(&node,
                fmt::format("unknown key {}{} ({})", full(name),
                            near.empty() ? "; remove it" : fmt::format("; did you mean {}?", full(near)), known));
}

void reader::finish() {
  if (table_ == nullptr) return;
  std::vector<std::pair<std::string, const toml::node*>> present_keys;
  for (const auto& [key, node] : *table_) present_keys.emplace_back(key.str(), &node);
  const auto line = [](const auto& entry) { return entry.second->source().begin.line; };
  std::stable_sort(present_keys.begin(), present_keys.end(),
                   [&](const auto& a, const auto& b) { return line(a) < line(b); });
  for (const auto& [name, node] : present_keys) {
    const auto found = known_.find(name);
    if (found == known_.end()) {
      report_unknown(name, *node);
    } else if (!found->second.settled && !wrong_.contains(name)) {
      problems_.add_idle(full(name), node,
                         fmt::format("{} has an effect with {} only; remove it", full(name), found->second.condition));
    }
  }
}

void read_text(const std::string& text, const std::string& source, const std::function<void(keys&)>& declaration) {
  const toml::table root = parse_text(text, source);
  problem_list problems(source);
  reader keys(&root, "", problems);
  declaration(keys);
  keys.finish();
  problems.raise();
}

}  // namespace cotscale::config
