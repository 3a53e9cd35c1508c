// A part by its word, for code that has no specification.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cotscale/config/reader.hpp"

namespace cotscale::config {

/// The part of that word; `values` are its keys, as lines of TOML. Throws specification_error for what a specification
/// could not say either.
template<class Base>
std::shared_ptr<const Base> named_part(std::span<const Base* const> parts, std::string_view word,
                                       const std::string& values) {
  std::shared_ptr<const Base> out;
  read_text(fmt::format("part = '{}'\n{}", word, values), std::string(word),
            [&](keys& k) { k.part({.name = "part", .help = "", .example = "'…'", .required = true}, out, parts); });
  return out;
}

}  // namespace cotscale::config
