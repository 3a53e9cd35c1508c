// Writes what a declaration visits as canonical TOML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cotscale/config/keys.hpp"

namespace cotscale::config {

/// Every key that has an effect, defaults included, in the order of the declaration.
class writer final : public keys {
 public:
  /// Begins a table; `name` is its key as it stands in TOML.
  void table(const std::string& name) { table(name, "[", "]"); }
  /// The same of one of the tables of a list.
  void list_table(const std::string& name) { table(name, "[[", "]]"); }
  const std::string& text() const { return text_; }

 protected:
  void visit(const key& k, field& f) override;
  void open(bool applies, std::string_view condition) override;
  void open_after(std::string_view name) override;
  void close() override { applies_.pop_back(); }

 private:
  void table(const std::string& name, std::string_view opening, std::string_view closing);

  std::string text_;
  std::vector<bool> applies_;
};

}  // namespace cotscale::config
