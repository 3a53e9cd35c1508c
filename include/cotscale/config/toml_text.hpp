// TOML as text: parsed with a limit on how deep it may be nested, and written.
#pragma once

#include <toml++/toml.h>

#include <string>
#include <string_view>
#include <vector>

namespace cotscale::config {

/// Deepest nesting of tables and arrays, and most parts of a dotted key, in a file: what reads them calls itself.
inline constexpr int most_levels = 64;

/// Throws specification_error, with `source` and the line, where tables, arrays or dotted keys are nested deeper than
/// most_levels.
void require_shallow(std::string_view text, const std::string& source);

/// Parses TOML; throws specification_error with `source` and the line.
toml::table parse_text(const std::string& text, const std::string& source);

/// A string in quotes; a key, in quotes where it needs them.
std::string quoted(const std::string& text);
std::string quoted_key(const std::string& key);

/// The words of a dotted key, in quotes or not: models."a.b".steps has three.
std::vector<std::string> words_of(const std::string& dotted);
/// How declarations call a table of these words: "models.NAME" for models.lsa, "models.NAME.stages" for
/// models.lsa.stages[1].
std::string declared_name(const std::vector<std::string>& table);

}  // namespace cotscale::config
