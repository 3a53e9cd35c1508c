// Declarations as text: lists of keys on a terminal, and the tables of docs/specification.md.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cotscale/config/keys.hpp"

namespace cotscale::config {

/// All that is known of a key.
struct entry {
  std::string name;
  std::string help;
  std::string type;      ///< with its limits
  std::string fallback;  ///< the default as TOML or in words; empty if there is none
  std::string example;
  bool required = false;
  bool numbers = true;                  ///< config::key::numbers
  std::vector<std::string> conditions;  ///< of keys::when(), the outermost first
  std::vector<choice> choices;
  std::vector<std::string> samples;  ///< some values that are allowed, as TOML
  bool operator==(const entry&) const = default;
};

/// The keys of a table in the order of its declaration. A key that stands under several conditions is one entry with
/// all of them, or none if every choice of the key that decides is among them; it is several where more than the
/// conditions differs.
std::vector<entry> entries_of(const table_declaration& table);

/// Keys for a terminal, and as a table of Markdown.
std::string plain_text(std::span<const entry> entries);
std::string markdown(std::span<const entry> entries);

/// A document in which every region between `<!-- keys of NAME: how to renew it -->` and `<!-- end of keys -->` is the
/// Markdown table of that name. Throws specification_error for a name that is not among the tables, and for a region
/// that does not end.
std::string with_tables(const std::string& document, std::span<const table_declaration> tables);

}  // namespace cotscale::config
