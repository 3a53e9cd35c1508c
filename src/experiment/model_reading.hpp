// Reads [models.NAME] and [[models.NAME.stages]].
#pragma once

#include <string>
#include <vector>

#include "cotscale/config/reader.hpp"
#include "cotscale/experiment/specification.hpp"

namespace cotscale::detail {

/// Why nothing can be trained on a mixture of this name, of the names that are known; empty if it can.
std::string no_mixture(const std::string& mixture, const std::vector<std::string>& known, const specification& spec);

/// Reads the model `name`, whose table `keys` has, and adds what is wrong with it; the specification gets it if it is
/// wanted. `mixtures` are the names that are known.
void read_model(const std::string& name, config::reader& keys, const std::vector<std::string>& mixtures,
                specification& spec, config::problem_list& problems, bool wanted);

}  // namespace cotscale::detail
