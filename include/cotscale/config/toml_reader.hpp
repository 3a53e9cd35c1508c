// Reads TOML tables against the keys that the program asks for, and collects every problem with its key and line.
#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cotscale::detail {

/// Deepest nesting of tables and arrays, and most parts of a dotted key, in a file: what reads them calls itself.
inline constexpr int most_levels = 64;

/// A text of at most so many bytes, cut off at a whole character.
std::string shortened(const std::string& text, std::size_t bytes);

/// The candidate with the smallest edit distance to `word`; of the first thousand, and none for words longer than any
/// key.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

/// "a, b, c".
std::string listed(const std::vector<std::string>& words);

/// Throws specification_error, with `source` and the line, where tables, arrays or dotted keys are nested deeper than
/// most_levels.
void require_shallow(std::string_view text, const std::string& source);

/// Parses TOML; throws specification_error with `source` and the line.
toml::table parse_text(const std::string& text, const std::string& source);

/// Problems found so far; the first twenty are thrown together, with how many there are, so that a user mends a file
/// once.
class problem_list {
 public:
  explicit problem_list(std::string source) : source_(std::move(source)) {}

  /// `where` is the node that is wrong, or null if something is missing.
  void add(const toml::node* where, const std::string& message);
  /// Whether there are so many that another would only be counted; then count() spares its words.
  bool full() const { return problems_.size() >= most; }
  void count() { ++unnamed_; }
  /// Throws specification_error if there is any problem.
  void raise() const;

 private:
  static constexpr std::size_t most = 20;
  std::string source_;
  std::vector<std::string> problems_;
  std::size_t unnamed_ = 0;
};

/// One table of the file. Every key that is asked for counts as known; finish() reports the others.
class table_reader {
 public:
  /// `table` may be null: then every key has its default.
  table_reader(const toml::table* table, std::string path, problem_list& problems)
      : table_(table), path_(std::move(path)), problems_(problems) {}

  bool present() const { return table_ != nullptr; }
  bool has(const std::string& key) const { return table_ != nullptr && table_->contains(key); }
  const toml::node* find(const std::string& key);
  std::string full(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  void problem(const std::string& key, const std::string& message);
  void missing(const std::string& key, const std::string& example);

  std::string text(const std::string& key, const std::string& fallback);
  double number(const std::string& key, double fallback);
  bool boolean(const std::string& key, bool fallback);
  std::int64_t integer(const std::string& key, std::int64_t fallback, std::int64_t least, std::int64_t most);
  /// One of the words; `fallback` if the key is missing.
  std::string choice(const std::string& key, const std::vector<std::string>& words, const std::string& fallback);

  /// A value or a list of values, without duplicates; a missing or empty one is a problem.
  std::vector<std::int64_t> integer_axis(const std::string& key, std::int64_t least, const std::string& example);
  std::vector<double> number_axis(const std::string& key, const std::string& example);
  std::vector<std::string> text_axis(const std::string& key, const std::string& example);
  std::vector<double> number_list(const std::string& key);

  /// Reports every key that nobody asked for, with one that somebody did and that is near.
  void finish();
  /// Where nothing can be said of the other keys, since one that decides about them is wrong.
  void ignore_the_rest() { table_ = nullptr; }

 private:
  template<class T, class Read>
  std::vector<T> axis(const std::string& key, const std::string& example, Read read);
  template<class T, class Read>
  std::vector<T> elements(const std::string& key, const toml::node& node, Read read);

  const toml::table* table_;
  std::string path_;
  problem_list& problems_;
  std::set<std::string> known_;
};

}  // namespace cotscale::detail
