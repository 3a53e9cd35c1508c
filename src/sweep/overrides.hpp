// Keys that are set on the command line.
#pragma once

#include <toml++/toml.h>

#include "cotscale/sweep/specification.hpp"

namespace cotscale::detail {

/// Sets a dotted key in the tables of a specification, and makes tables on the way. Throws specification_error if the
/// key is incomplete or leads through a value.
void apply(toml::table& root, const override_key& o);

}  // namespace cotscale::detail
