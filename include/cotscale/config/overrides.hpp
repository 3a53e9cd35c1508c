// Keys that are set on the command line.
#pragma once

#include <toml++/toml.h>

#include <string>

namespace cotscale {

/// `key=value` of `--set`; the value is TOML, or a plain word.
struct override_key {
  std::string key;
  std::string value;
};

/// Parses `KEY=VALUE`; throws specification_error if there is no `=`.
override_key parse_override(const std::string& text);

namespace detail {

/// Sets a dotted key in the tables of a specification, and makes tables on the way; `stages[1]` is the second table of
/// a list. Throws specification_error if the key is incomplete, leads through a value, or if the list has no such
/// table.
void apply(toml::table& root, const override_key& o);
/// The same of a value from elsewhere than the command line, which messages call `source`.
void apply(toml::table& root, const override_key& o, const std::string& source);

}  // namespace detail
}  // namespace cotscale
