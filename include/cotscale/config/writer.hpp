// Writes what a declaration visits as canonical TOML.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/config/keys.hpp"

namespace cotscale::config {

/// What the line of a version begins with, and the whole of it: which version of a part (its kind, its word) is meant.
inline constexpr std::string_view version_mark = "version ";
std::string version_line(std::string_view kind, std::string_view word, int number);

/// Every key that has an effect, defaults included, in the order of the declaration.
class writer final : public keys {
 public:
  enum class what : std::uint8_t { all, numbers };
  /// With `numbers` only the keys that numbers of cells depend on, and a line for the version of each part.
  explicit writer(what written = what::all) : written_(written) {}

  /// Begins a table; `name` is its key as it stands in TOML.
  void table(const std::string& name) { table(name, "[", "]"); }
  /// The same of one of the tables of a list.
  void list_table(const std::string& name) { table(name, "[[", "]]"); }
  const std::string& text() const { return text_; }

 protected:
  void visit(const key& k, field& f) override;
  void version(std::string_view name, std::string_view word, int number) override;
  void open(bool applies, std::string_view condition) override;
  void open_after(std::string_view name) override;
  void close() override { applies_.pop_back(); }

 private:
  void table(const std::string& name, std::string_view opening, std::string_view closing);
  bool applies() const;

  what written_;
  std::string text_;
  std::vector<bool> applies_;
};

}  // namespace cotscale::config
