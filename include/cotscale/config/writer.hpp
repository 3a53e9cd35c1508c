// Writes what a declaration visits as canonical TOML.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/config/keys.hpp"

namespace cotscale::config {

/// Every key that has an effect, defaults included, in the order of the declaration.
class writer final : public keys {
 public:
  enum class what : std::uint8_t { all, numbers };
  /// With `numbers` only the keys that numbers of cells depend on.
  explicit writer(what written = what::all) : written_(written) {}

  /// Begins a table; `name` is its key as it stands in TOML.
  void table(const std::string& name);
  const std::string& text() const { return text_; }

 protected:
  void visit(const key& k, field& f) override;
  void open(bool applies, std::string_view condition) override;
  void open_after(std::string_view name) override;
  void close() override { applies_.pop_back(); }

 private:
  what written_;
  std::string text_;
  std::vector<bool> applies_;
};

}  // namespace cotscale::config
