// cotscale keys.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "commands.hpp"
#include "cotscale/base/input_file.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/config/documentation.hpp"
#include "cotscale/config/problems.hpp"

namespace cotscale::app {
namespace {

bool is_named(const config::table_declaration& table, const std::string& word) {
  return table.name == word || table.name == word + ".NAME" || table.name.ends_with(".NAME." + word);
}

// Whether the key is of that name, or has an effect with some values of that one, or with that value of another, only.
bool belongs_to(const config::entry& e, const std::string& word) {
  return e.name == word || std::any_of(e.conditions.begin(), e.conditions.end(), [&](const std::string& condition) {
           return condition.starts_with(word + " =") || condition.find('"' + word + '"') != std::string::npos;
         });
}

// A word as a specification or --set has it, without what is a user's own in it: "models" for models.lsa, and "n" for
// sweep.n.
std::string asked_word(const std::string& word) {
  const std::size_t dot = word.find('.');
  if (dot == std::string::npos) return word;
  const std::string table = word.substr(0, dot), rest = word.substr(dot + 1);
  for (const config::table_declaration& t : specification_tables()) {
    if (t.name == table) return rest;
    if (t.name != table + ".NAME") continue;
    const std::size_t key = rest.rfind('.');
    return key == std::string::npos ? table : rest.substr(key + 1);
  }
  return word;
}

std::vector<config::entry> shown_entries(const config::table_declaration& table, const std::string& word) {
  std::vector<config::entry> all = config::entries_of(table);
  if (word.empty() || is_named(table, word)) return all;
  std::erase_if(all, [&](const config::entry& e) { return !belongs_to(e, word); });
  return all;
}

[[noreturn]] void refuse(const std::string& word) {
  std::vector<std::string> words;
  for (const config::table_declaration& table : specification_tables()) {
    words.push_back(table.name.substr(0, table.name.find('.')));
    for (const config::entry& e : config::entries_of(table)) words.push_back(e.name);
  }
  throw specification_error(fmt::format("keys: there is no table or key {}{}", config::shortened(word, 60),
                                        config::suggestion(word, words, "; `cotscale keys` lists all", "")));
}

void renew(const std::string& path) {
  constexpr std::uint64_t longest_document = 16'000'000;
  const std::string text = config::with_tables(read_regular_file(path, longest_document), specification_tables());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  if (!file) throw io_error(fmt::format("{}: cannot be written", path));
}

}  // namespace

exit_code keys(const keys_arguments& arguments) {
  if (!arguments.renew.empty()) {
    renew(arguments.renew);
    return exit_code::done;
  }
  const std::string word = asked_word(arguments.word);
  const bool of_table = std::any_of(specification_tables().begin(), specification_tables().end(),
                                    [&](const auto& table) { return is_named(table, word); });
  std::string text;
  for (const config::table_declaration& table : specification_tables()) {
    if (of_table && !is_named(table, word)) continue;
    const std::vector<config::entry> entries = shown_entries(table, word);
    if (!entries.empty())
      text += fmt::format("{}{}\n{}", text.empty() ? "" : "\n", table.heading(), plain_text(entries));
  }
  if (text.empty()) refuse(arguments.word);
  print_text(text);
  return exit_code::done;
}

}  // namespace cotscale::app
