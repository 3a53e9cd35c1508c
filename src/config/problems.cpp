#include "cotscale/config/problems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <sstream>

#include "cotscale/base/error.hpp"

namespace cotscale::config {
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

// Two edits make any word of two letters any other, so that fewer must do for the shortest ones; nor is a key of one
// letter meant by every word that begins with it.
bool is_near(const std::string& word, const std::string& candidate) {
  constexpr std::size_t shortest_beginning = 3;
  if (word.empty() || candidate.empty()) return false;
  if (candidate.starts_with(word)) return true;
  if (candidate.size() >= shortest_beginning && word.starts_with(candidate)) return true;
  const std::size_t edits = edit_distance(word, candidate);
  return edits <= 2 && edits < std::min(word.size(), candidate.size());
}

}  // namespace

std::string shortened(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + " …";
}

std::string listed(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

std::string nearest(const std::string& word, const std::vector<std::string>& all) {
  constexpr std::size_t most_candidates = 1000, longest_word = 200;
  if (word.size() > longest_word) return "";
  std::string best;
  for (const std::string& candidate : std::span(all).first(std::min(all.size(), most_candidates))) {
    if (candidate.size() > longest_word || !is_near(word, candidate)) continue;
    if (best.empty() || edit_distance(word, candidate) < edit_distance(word, best)) best = candidate;
  }
  return best;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates,
                       const std::string& otherwise, const std::string& quotes) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? otherwise : fmt::format("; did you mean {}{}{}?", quotes, near, quotes);
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

std::string problem_list::placed(const toml::node* where, const std::string& message) const {
  std::string place = source_;
  if (where != nullptr) {
    const toml::source_region& region = where->source();
    if (region.path) place = *region.path;
    const bool has_lines = !place.starts_with("--set") && !place.ends_with(values_of_axes);
    if (region.begin.line > 0 && has_lines) place += fmt::format(":{}", region.begin.line);
  }
  constexpr std::size_t most_bytes = 1500;
  return fmt::format("{}: {}", place, shortened(message, most_bytes));
}

void problem_list::add(const toml::node* where, const std::string& message) {
  if (full()) return count();
  std::string said = placed(where, message);
  if (std::find(problems_.begin(), problems_.end(), said) == problems_.end()) problems_.push_back(std::move(said));
}

void problem_list::add_idle(const std::string& path, const toml::node* where, const std::string& message) {
  idle_.try_emplace(path, placed(where, message));
}

void problem_list::raise() const {
  std::vector<std::string> said = problems_;
  std::size_t unnamed = unnamed_;
  for (const auto& [path, message] : idle_) {
    if (effective_.contains(path)) continue;
    if (said.size() < most) {
      said.push_back(message);
    } else {
      ++unnamed;
    }
  }
  if (said.empty()) return;
  throw specification_error(fmt::format("{}{}", fmt::join(said, "\n  "),
                                        unnamed > 0 ? fmt::format("\n  and {} more problems", unnamed) : ""));
}

}  // namespace cotscale::config
