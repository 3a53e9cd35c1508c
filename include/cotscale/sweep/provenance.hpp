// Where results come from: the root attributes of a results file.
#pragma once

#include <string>

#include "cotscale/comm/communicator.hpp"
#include "cotscale/store/results_file.hpp"
#include "cotscale/sweep/specification.hpp"

namespace cotscale {

provenance collect_provenance(const specification& spec, const std::string& config_toml,
                              const std::string& command_line, const communicator& all);

/// "0.1.0".
std::string program_version();

}  // namespace cotscale
