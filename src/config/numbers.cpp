// Numbers of a specification: read, held against limits, written.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "cotscale/config/field.hpp"

namespace cotscale::config {
namespace {

std::string superscript(int value) {
  static constexpr std::array<const char*, 10> digits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text;
  for (const char c : fmt::format("{}", value)) text += digits.at(static_cast<std::size_t>(c - '0'));
  return text;
}

// Large powers of ten and two are written as such.
std::string readable(std::int64_t value) {
  constexpr std::int64_t large = 100'000;
  for (const int base : {10, 2}) {
    std::int64_t rest = value;
    int exponent = 0;
    for (; rest > 1 && rest % base == 0; rest /= base) ++exponent;
    if (value >= large && rest == 1) return fmt::format("{}{}", base, superscript(exponent));
  }
  return fmt::format("{}", value);
}

std::string readable(double value) { return fmt::format("{}", value); }

}  // namespace

std::string toml_of(bool value) { return value ? "true" : "false"; }

std::string toml_of(std::int64_t value) { return fmt::format("{}", value); }

// It must read back as a float in TOML.
std::string toml_of(double value) {
  std::string text = fmt::format("{}", value);
  if (std::isinf(value)) return text;
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string refusal(const std::string& path, std::string_view wanted, const toml::node& node) {
  std::ostringstream kind;
  kind << node.type();
  return fmt::format("{} {}, not the {} {}", path, wanted, kind.str(), shown(node));
}

template<class T>
std::string beyond(T value, const limits<T>& allowed) {
  const bool real = std::is_same_v<T, double>;
  if (allowed.least && !(value >= *allowed.least)) {
    if (real && *allowed.least == 0) return fmt::format("must not be negative, got {}", value);
    return fmt::format("must be at least {}, got {}", *allowed.least, value);
  }
  if (allowed.above && !(value > *allowed.above)) {
    if (*allowed.above == 0) return fmt::format("must be positive, got {}", value);
    return fmt::format("must be above {}, got {}", *allowed.above, value);
  }
  if (allowed.most && !(value <= *allowed.most)) {
    return fmt::format("must be at most {}, got {}", *allowed.most, value);
  }
  if (allowed.below && !(value < *allowed.below)) {
    return fmt::format("must be below {}, got {}", *allowed.below, value);
  }
  if (allowed.other_than && value == *allowed.other_than) return fmt::format("must not be {}", value);
  return "";
}

template<class T>
std::string text_of_limits(const limits<T>& allowed) {
  if (allowed.least && allowed.most) {
    return fmt::format("in {} … {}", readable(*allowed.least), readable(*allowed.most));
  }
  std::vector<std::string> parts;
  if (allowed.least) parts.push_back("≥ " + readable(*allowed.least));
  if (allowed.above) parts.push_back("> " + readable(*allowed.above));
  if (allowed.most) parts.push_back("≤ " + readable(*allowed.most));
  if (allowed.below) parts.push_back("< " + readable(*allowed.below));
  if (allowed.other_than) parts.push_back("≠ " + readable(*allowed.other_than));
  return fmt::format("{}", fmt::join(parts, " and "));
}

template<class T>
std::vector<T> within(const limits<T>& allowed) {
  std::vector<T> candidates{static_cast<T>(3), static_cast<T>(2), static_cast<T>(1), static_cast<T>(0)};
  if constexpr (std::is_same_v<T, double>) candidates.insert(candidates.begin(), {0.75, 0.625});
  for (const auto& end : {allowed.least, allowed.most}) {
    if (end) candidates.push_back(*end);
  }
  std::vector<T> values;
  for (const T candidate : candidates) {
    const bool there = std::find(values.begin(), values.end(), candidate) != values.end();
    if (!there && beyond(candidate, allowed).empty()) values.push_back(candidate);
  }
  return values;
}

template<class T>
std::optional<T> read_number(const toml::node& node, const std::string& path, const limits<T>& allowed, bool element,
                             problem_list& problems) {
  std::optional<T> value;
  if constexpr (std::is_same_v<T, double>) {
    if (node.is_number()) value = node.value<double>();
    if (value && !std::isfinite(*value)) value.reset();
  } else {
    if (node.is_integer()) value = node.value<std::int64_t>();
  }
  if (!value) {
    const std::string_view wanted = std::is_same_v<T, double> ? "finite number" : "integer";
    const std::string must = element ? fmt::format("takes {}s", wanted)
                                     : fmt::format("must be {} {}", wanted[0] == 'i' ? "an" : "a", wanted);
    problems.add(&node, refusal(path, must, node));
    return std::nullopt;
  }
  if (const std::string wrong = beyond(*value, allowed); !wrong.empty()) {
    problems.add(&node, fmt::format("{} {}", path, wrong));
    return std::nullopt;
  }
  return value;
}

template std::string beyond(std::int64_t, const limits<std::int64_t>&);
template std::string beyond(double, const limits<double>&);
template std::string text_of_limits(const limits<std::int64_t>&);
template std::string text_of_limits(const limits<double>&);
template std::vector<std::int64_t> within(const limits<std::int64_t>&);
template std::vector<double> within(const limits<double>&);
template std::optional<std::int64_t> read_number(const toml::node&, const std::string&, const limits<std::int64_t>&,
                                                 bool, problem_list&);
template std::optional<double> read_number(const toml::node&, const std::string&, const limits<double>&, bool,
                                           problem_list&);

}  // namespace cotscale::config
