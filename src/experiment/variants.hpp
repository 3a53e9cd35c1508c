// Specifications whose keys vary (`[sweep.axes]`): read once with every combination of the values.
#pragma once

#include <toml++/toml.h>

#include <functional>
#include <string>
#include <vector>

#include "cotscale/config/overrides.hpp"
#include "cotscale/config/problems.hpp"
#include "cotscale/experiment/specification.hpp"

namespace cotscale::detail {

/// Reads one specification, and adds what is wrong with it.
using interpreter = std::function<specification(const toml::table& root, config::problem_list& problems)>;

/// Parses the text, sets the overrides, takes `[sweep.axes]` out, and reads the rest with every combination of values.
/// Throws specification_error with the problems of all of them.
specification read_variants(const std::string& text, const std::string& source,
                            const std::vector<override_key>& overrides, const interpreter& interpret);

/// The canonical text of a specification with axes that was read from `text`: that of the first combination, completed
/// with the keys that have an effect in others only, and with the axes. Where it would not read as the same
/// combinations again, defaults that have an effect in some only are left out; throws specification_error if that does
/// not help.
std::string text_of_variants(const specification& spec, const std::string& text, const std::string& source,
                             const std::vector<override_key>& overrides, const interpreter& interpret);

}  // namespace cotscale::detail
