#include "cotscale/config/documentation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/config/conditions.hpp"
#include "cotscale/config/field.hpp"

namespace cotscale::config {
namespace {

class lister final : public keys {
 public:
  std::vector<entry> take() { return std::move(entries_); }

 protected:
  void visit(const key& k, field& f) override {
    entry e{.name = std::string(k.name),
            .help = std::string(k.help),
            .type = f.type(),
            .fallback = k.otherwise.empty() ? f.text() : std::string(k.otherwise),
            .example = std::string(k.example),
            .required = k.required,
            .numbers = k.numbers,
            .conditions = {},
            .choices = f.choices(),
            .samples = f.samples()};
    for (const std::string& condition : conditions_) {
      if (!condition.empty()) e.conditions.push_back(condition);
    }
    entries_.push_back(std::move(e));
  }
  void open(bool, std::string_view condition) override { conditions_.emplace_back(condition); }
  void open_after(std::string_view) override { conditions_.emplace_back(); }
  void close() override { conditions_.pop_back(); }

 private:
  std::vector<entry> entries_;
  std::vector<std::string> conditions_;
};

// The conditions that hold where those of `a` or of `b` do; empty if more than one of them differs.
std::optional<std::vector<std::string>> either(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const auto [one, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (a.size() != b.size() || one == a.end()) return a == b ? std::optional(a) : std::nullopt;
  const std::optional<std::string> both = config::either(*one, *other);
  if (!both || !std::equal(one + 1, a.end(), other + 1)) return std::nullopt;
  std::vector<std::string> out = a;
  out[static_cast<std::size_t>(one - a.begin())] = *both;
  return out;
}

// Whether the condition says no more than that the key that decides has one of its words.
bool holds_always(const std::string& condition, std::span<const entry> entries) {
  const parsed_condition parsed = parse_condition(condition);
  const auto key = std::find_if(entries.begin(), entries.end(), [&](const entry& e) { return e.name == parsed.name; });
  if (key == entries.end() || key->choices.empty() || (!key->required && key->fallback.empty())) return false;
  return std::all_of(key->choices.begin(), key->choices.end(), [&](const choice& c) {
    return std::find(parsed.values.begin(), parsed.values.end(), fmt::format("\"{}\"", c.text)) != parsed.values.end();
  });
}

// Whether two entries differ in their conditions at most.
bool are_alike(const entry& a, entry b) {
  b.conditions = a.conditions;
  return a == b;
}

// Makes one of the first two entries that are one key; returns whether there were any. Keys of the table that a list
// stands in, `outer`, may decide, too.
bool join_two(std::vector<entry>& entries, std::span<const entry> outer) {
  for (auto first = entries.begin(); first != entries.end(); ++first) {
    for (auto second = first + 1; second != entries.end(); ++second) {
      if (first->name != second->name || !are_alike(*first, *second)) continue;
      auto conditions = either(first->conditions, second->conditions);
      if (!conditions) continue;
      std::erase_if(*conditions,
                    [&](const std::string& c) { return holds_always(c, entries) || holds_always(c, outer); });
      first->conditions = std::move(*conditions);
      entries.erase(second);
      return true;
    }
  }
  return false;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// "what it is: `one` this, `other` that".
std::string explained(const entry& e) {
  std::string text = e.help;
  const char* separator = text.empty() ? "" : ": ";
  for (const choice& c : e.choices) {
    if (c.help.empty()) continue;
    text += fmt::format("{}`{}` {}", separator, c.text, c.help);
    separator = "; ";
  }
  return text;
}

std::string markdown_row(const entry& e) {
  const bool toml = e.fallback.find('"') == std::string::npos && e.fallback.find(' ') == std::string::npos;
  const std::string fallback = e.required ? "required" : toml ? replaced(e.fallback, "'", "\"") : e.fallback;
  std::vector<std::string> conditions;
  for (const std::string& c : e.conditions) conditions.push_back("`" + c + "`");
  const std::vector<std::string> cells{fmt::format("`{}`", e.name), e.type,
                                       fallback.starts_with('"') ? "`" + fallback + "`" : fallback,
                                       fmt::format("{}", fmt::join(conditions, ", ")), explained(e)};
  std::string row;
  for (const std::string& cell : cells) row += fmt::format("| {} ", replaced(cell, "|", "\\|"));
  return row + "|\n";
}

}  // namespace

std::vector<entry> entries_of(const table_declaration& table) {
  lister list, around;
  table.visit(list);
  if (table.within != nullptr) table.within(around);
  std::vector<entry> entries = list.take();
  const std::vector<entry> outer = around.take();
  while (join_two(entries, outer)) {
  }
  return entries;
}

std::string plain_text(std::span<const entry> entries) {
  std::string text;
  for (const entry& e : entries) {
    const std::string fallback = e.required ? "required" : e.fallback.empty() ? "not set" : "default " + e.fallback;
    text += fmt::format("  {:<17}{}; {}\n", e.name, replaced(e.type, "`", ""), fallback);
    if (!e.conditions.empty()) text += fmt::format("  {:<17}only with {}\n", "", fmt::join(e.conditions, ", "));
    if (const std::string help = explained(e); !help.empty()) text += fmt::format("  {:<17}{}\n", "", help);
  }
  return text;
}

std::string markdown(std::span<const entry> entries) {
  std::string text = "| key | type | default | only with | meaning |\n|---|---|---|---|---|\n";
  for (const entry& e : entries) text += markdown_row(e);
  return text;
}

std::string with_tables(const std::string& document, std::span<const table_declaration> tables) {
  const std::string begin = "<!-- keys of ", closing = " -->\n", end = "<!-- end of keys -->";
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = document.find(begin); at != std::string::npos; at = document.find(begin, done)) {
    const std::size_t name = at + begin.size(), rest = document.find(closing, name);
    const std::size_t last = document.find(end, name);
    if (rest == std::string::npos || last == std::string::npos || last < rest) {
      throw specification_error(fmt::format("the region \"{}\" does not end", document.substr(at, 60)));
    }
    const std::string marked = document.substr(name, rest - name), wanted = marked.substr(0, marked.find(": "));
    const auto table = std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.name == wanted; });
    if (table == tables.end()) throw specification_error(fmt::format("there is no table [{}]", wanted));
    out += document.substr(done, rest + closing.size() - done) + markdown(entries_of(*table));
    done = last;
  }
  return out + document.substr(done);
}

}  // namespace cotscale::config
