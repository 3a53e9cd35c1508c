// The value of a key, whatever its type.
#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <string>
#include <vector>

#include "cotscale/config/keys.hpp"
#include "cotscale/config/problems.hpp"

namespace cotscale::config {

class field {
 public:
  virtual ~field() = default;
  /// "integer ≥ 1".
  virtual std::string type() const = 0;
  /// The value as TOML; empty if it is not set.
  virtual std::string text() const = 0;
  /// Takes the value of a node, or adds what is wrong with it, of the key `path`; returns whether nothing is.
  virtual bool read(const toml::node& node, const std::string& path, problem_list& problems) = 0;
  /// Some values that are allowed, as TOML.
  virtual std::vector<std::string> samples() const = 0;
  /// Of a word: what there is to choose from.
  virtual std::vector<choice> choices() const { return {}; }
};

/// The value as TOML: the shortest text that reads back as the same.
std::string toml_of(bool value);
std::string toml_of(std::int64_t value);
std::string toml_of(double value);
std::string toml_of(const std::string& value);
template<class T>
std::string toml_of(const std::vector<T>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const T& value : values) texts.push_back(toml_of(value));
  return fmt::format("[{}]", listed(texts));
}

/// Adds "<path> must be an integer, not …", or what the number is beyond the limits; none then. Elements of an axis:
/// "<path> takes integers".
template<class T>
std::optional<T> read_number(const toml::node& node, const std::string& path, const limits<T>& allowed, bool element,
                             problem_list& problems);

/// "must be at least 1, got 0", or nothing where the value is allowed.
template<class T>
std::string beyond(T value, const limits<T>& allowed);

/// "≥ 1", "in 1 … 10⁶", "> 0 and < 1"; empty without limits.
template<class T>
std::string text_of_limits(const limits<T>& allowed);

/// "integer ≥ 1": the name of a type with its limits.
template<class T>
std::string type_of(const std::string& name, const limits<T>& allowed) {
  const std::string limit = text_of_limits(allowed);
  return limit.empty() ? name : fmt::format("{} {}", name, limit);
}
template<class T>
constexpr std::string_view number_name = std::is_same_v<T, double> ? "number" : "integer";

/// "<path> must be a string, not the integer 3", with `wanted` in the middle.
std::string refusal(const std::string& path, std::string_view wanted, const toml::node& node);

/// Values within the limits.
template<class T>
std::vector<T> within(const limits<T>& allowed);

}  // namespace cotscale::config
