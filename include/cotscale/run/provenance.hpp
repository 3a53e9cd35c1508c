// Where results come from: the root attributes of a results file.
#pragma once

#include <cstdint>
#include <string>

#include "cotscale/store/new_file.hpp"

namespace cotscale {

/// `ranks` of the run; `title` begins with "cotscale".
provenance collect_provenance(const std::string& title, std::int64_t seed, const std::string& config_toml,
                              const std::string& command_line, int ranks);

/// "0.1.0".
std::string program_version();

}  // namespace cotscale
