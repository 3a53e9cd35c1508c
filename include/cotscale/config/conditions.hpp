// The conditions of keys::when(), as text: `optimizer = "adam" or "adamw"`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cotscale::config {

/// The key that decides, and the values with which a condition holds, as TOML.
struct parsed_condition {
  std::string name;
  std::vector<std::string> values;
};
parsed_condition parse_condition(std::string_view condition);

/// What holds where one of two conditions does; empty unless one key decides on both.
std::optional<std::string> either(std::string_view a, std::string_view b);

}  // namespace cotscale::config
