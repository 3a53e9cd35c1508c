#include "cotscale/config/conditions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace cotscale::config {

parsed_condition parse_condition(std::string_view condition) {
  constexpr std::string_view equals = " = ", separator = " or ";
  const std::size_t sign = condition.find(equals);
  if (sign == std::string_view::npos) return {.name = std::string(condition), .values = {}};
  parsed_condition out{.name = std::string(condition.substr(0, sign)), .values = {}};
  std::string_view rest = condition.substr(sign + equals.size());
  for (std::size_t end = rest.find(separator); end != std::string_view::npos; end = rest.find(separator)) {
    out.values.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + separator.size());
  }
  out.values.emplace_back(rest);
  return out;
}

std::optional<std::string> either(std::string_view a, std::string_view b) {
  parsed_condition both = parse_condition(a);
  const parsed_condition other = parse_condition(b);
  if (both.name != other.name) return std::nullopt;
  for (const std::string& value : other.values) {
    if (std::find(both.values.begin(), both.values.end(), value) == both.values.end()) both.values.push_back(value);
  }
  return both.values.empty() ? both.name : fmt::format("{} = {}", both.name, fmt::join(both.values, " or "));
}

}  // namespace cotscale::config
