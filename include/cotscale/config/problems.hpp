// What is wrong with a specification, said together, and the words that were probably meant.
#pragma once

#include <toml++/toml.h>

#include <cstddef>
#include <string>
#include <vector>

namespace cotscale::config {

/// A text of at most so many bytes, cut off at a whole character.
std::string shortened(const std::string& text, std::size_t bytes);

/// "a, b, c".
std::string listed(const std::vector<std::string>& words);

/// The candidate that was probably meant by `word`: one is the beginning of the other, or they are at most two edits
/// apart; the one with the fewest edits. Empty if none is near. Looks at the first thousand candidates, and at words of
/// at most 200 bytes.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

/// `; did you mean "near"?` with the nearest candidate in the given quotes, or `otherwise` if there is none.
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates,
                       const std::string& otherwise = "", const std::string& quotes = "\"");

/// A node as it may stand in a message: its TOML, or how many elements it has where these are many.
std::string shown(const toml::node& node);

/// Problems found so far; the first twenty are thrown together, with how many there are, so that a user mends a file
/// once. A problem that is there already is not said again.
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

}  // namespace cotscale::config
