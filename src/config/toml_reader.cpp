#include "cotscale/config/toml_reader.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>
#include <sstream>

#include "cotscale/base/error.hpp"

namespace cotscale::detail {
namespace {

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

std::string shown(const toml::node& node) {
  constexpr std::size_t most_elements = 10, most_bytes = 100;
  if (const toml::array* list = node.as_array(); list != nullptr && list->size() > most_elements) {
    return fmt::format("of {} values", list->size());
  }
  if (const toml::table* table = node.as_table(); table != nullptr && table->size() > most_elements) {
    return fmt::format("of {} keys", table->size());
  }
  std::ostringstream text;
  node.visit([&](const auto& value) { text << toml::default_formatter(value); });
  return shortened(text.str(), most_bytes);
}

std::string kind(const toml::node& node) {
  std::ostringstream text;
  text << node.type();
  return text.str();
}

std::optional<double> as_number(const toml::node& node) {
  if (node.is_number()) return node.value<double>();
  return std::nullopt;
}

std::optional<std::int64_t> as_integer(const toml::node& node) {
  if (node.is_integer()) return node.value<std::int64_t>();
  return std::nullopt;
}

std::optional<std::string> as_text(const toml::node& node) {
  if (node.is_string()) return node.value<std::string>();
  return std::nullopt;
}

}  // namespace

std::string shortened(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + " …";
}

std::string nearest(const std::string& word, const std::vector<std::string>& all) {
  constexpr std::size_t most_candidates = 1000, longest_word = 200;
  if (word.size() > longest_word) return "";
  const std::span<const std::string> candidates = std::span(all).first(std::min(all.size(), most_candidates));
  const auto closer = [&](const std::string& a, const std::string& b) {
    return edit_distance(word, a) < edit_distance(word, b);
  };
  const auto best = std::min_element(candidates.begin(), candidates.end(), closer);
  return best == candidates.end() ? "" : *best;
}

std::string listed(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

toml::table parse_text(const std::string& text, const std::string& source) {
  require_shallow(text, source);
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& e) {
    throw specification_error(fmt::format("{}:{}: not valid TOML: {}", source, e.source().begin.line, e.description()));
  }
}

void problem_list::add(const toml::node* where, const std::string& message) {
  if (full()) return count();
  std::string place = source_;
  if (where != nullptr) {
    const toml::source_region& region = where->source();
    if (region.path) place = *region.path;
    if (region.begin.line > 0 && place.rfind("--set", 0) != 0) place += fmt::format(":{}", region.begin.line);
  }
  constexpr std::size_t most_bytes = 1500;
  problems_.push_back(fmt::format("{}: {}", place, shortened(message, most_bytes)));
}

void problem_list::raise() const {
  if (problems_.empty()) return;
  throw specification_error(fmt::format("{}{}", fmt::join(problems_, "\n  "),
                                        unnamed_ > 0 ? fmt::format("\n  and {} more problems", unnamed_) : ""));
}

const toml::node* table_reader::find(const std::string& key) {
  known_.insert(key);
  return table_ == nullptr ? nullptr : table_->get(key);
}

void table_reader::problem(const std::string& key, const std::string& message) {
  problems_.add(find(key), fmt::format("{} {}", full(key), message));
}

void table_reader::missing(const std::string& key, const std::string& example) {
  problems_.add(table_, fmt::format("{} is missing; set it, for example {} = {}", full(key), key, example));
}

std::string table_reader::text(const std::string& key, const std::string& fallback) {
  const toml::node* node = find(key);
  if (node == nullptr) return fallback;
  if (const auto value = as_text(*node)) return *value;
  problem(key, fmt::format("must be a string, not the {} {}", kind(*node), shown(*node)));
  return fallback;
}

double table_reader::number(const std::string& key, double fallback) {
  const toml::node* node = find(key);
  if (node == nullptr) return fallback;
  if (const auto value = as_number(*node); value && std::isfinite(*value)) return *value;
  problem(key, fmt::format("must be a finite number, not the {} {}", kind(*node), shown(*node)));
  return fallback;
}

bool table_reader::boolean(const std::string& key, bool fallback) {
  const toml::node* node = find(key);
  if (node == nullptr) return fallback;
  if (node->is_boolean()) return node->value<bool>().value();
  problem(key, fmt::format("must be true or false, not the {} {}", kind(*node), shown(*node)));
  return fallback;
}

std::int64_t table_reader::integer(const std::string& key, std::int64_t fallback, std::int64_t least,
                                   std::int64_t most) {
  const toml::node* node = find(key);
  if (node == nullptr) return fallback;
  const auto value = as_integer(*node);
  if (!value) {
    problem(key, fmt::format("must be an integer, not the {} {}", kind(*node), shown(*node)));
  } else if (*value < least || *value > most) {
    problem(key, *value < least ? fmt::format("must be at least {}, got {}", least, *value)
                                : fmt::format("must be at most {}, got {}", most, *value));
  } else {
    return *value;
  }
  return fallback;
}

std::string table_reader::choice(const std::string& key, const std::vector<std::string>& words,
                                 const std::string& fallback) {
  if (find(key) == nullptr) return fallback;
  std::string value = text(key, words.front());
  if (std::find(words.begin(), words.end(), value) != words.end()) return value;
  problem(key, fmt::format(R"(must be one of {}, got "{}"; did you mean "{}"?)", listed(words), shortened(value, 100),
                           nearest(value, words)));
  return fallback;
}

template<class T, class Read>
std::vector<T> table_reader::elements(const std::string& key, const toml::node& node, Read read) {
  std::vector<T> values;
  std::set<T> seen;
  const auto add = [&](const toml::node& element) {
    const std::optional<T> value = read(element);
    if (!value) return;
    if (!seen.insert(*value).second) {
      problems_.add(&element, fmt::format("{} has the value {} twice", full(key), shown(element)));
      return;
    }
    values.push_back(*value);
  };
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& element : *list) add(element);
  } else {
    add(node);
  }
  return values;
}

template<class T, class Read>
std::vector<T> table_reader::axis(const std::string& key, const std::string& example, Read read) {
  const toml::node* node = find(key);
  if (node == nullptr) {
    missing(key, example);
    return {};
  }
  if (const toml::array* list = node->as_array(); list != nullptr && list->empty()) {
    problem(key, fmt::format("is an empty list; give at least one value, for example {}", example));
  }
  return elements<T>(key, *node, read);
}

std::vector<std::int64_t> table_reader::integer_axis(const std::string& key, std::int64_t least,
                                                     const std::string& example) {
  return axis<std::int64_t>(key, example, [&](const toml::node& node) -> std::optional<std::int64_t> {
    const auto value = as_integer(node);
    if (!value) {
      problems_.add(&node, fmt::format("{} takes integers, not the {} {}", full(key), kind(node), shown(node)));
    } else if (*value < least) {
      problems_.add(&node, fmt::format("{} must be at least {}, got {}", full(key), least, *value));
    } else {
      return value;
    }
    return std::nullopt;
  });
}

std::vector<double> table_reader::number_axis(const std::string& key, const std::string& example) {
  return axis<double>(key, example, [&](const toml::node& node) -> std::optional<double> {
    const auto value = as_number(node);
    if (value && std::isfinite(*value)) return value;
    problems_.add(&node, fmt::format("{} takes finite numbers, not the {} {}", full(key), kind(node), shown(node)));
    return std::nullopt;
  });
}

std::vector<std::string> table_reader::text_axis(const std::string& key, const std::string& example) {
  return axis<std::string>(key, example, [&](const toml::node& node) {
    auto value = as_text(node);
    if (!value)
      problems_.add(&node, fmt::format("{} takes strings, not the {} {}", full(key), kind(node), shown(node)));
    return value;
  });
}

std::vector<double> table_reader::number_list(const std::string& key) {
  std::vector<double> values;
  const toml::node* node = find(key);
  if (node == nullptr) return values;
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    problem(key, fmt::format("must be a list of numbers, not the {} {}", kind(*node), shown(*node)));
    return values;
  }
  for (const toml::node& element : *list) {
    if (const auto value = as_number(element)) {
      values.push_back(*value);
    } else {
      problems_.add(&element, fmt::format("{} takes numbers, not the {} {}", full(key), kind(element), shown(element)));
    }
  }
  return values;
}

void table_reader::finish() {
  if (table_ == nullptr) return;
  for (const auto& [key, node] : *table_) {
    const std::string word(key.str());
    if (known_.contains(word)) continue;
    if (problems_.full()) {
      problems_.count();
      continue;
    }
    const std::vector<std::string> candidates(known_.begin(), known_.end());
    const std::string near = nearest(word, candidates);
    const bool plausible = !near.empty() && edit_distance(word, near) <= 1 + word.size() / 3;
    problems_.add(&node, fmt::format("unknown key {}{} (known here: {})", full(word),
                                     plausible ? fmt::format("; did you mean {}?", full(near)) : "; remove it",
                                     listed(candidates)));
  }
}

}  // namespace cotscale::detail
