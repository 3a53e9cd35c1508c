// How two specifications in canonical TOML differ.
#pragma once

#include <string>
#include <vector>

namespace cotscale {

/// Lines "key: in the file …, now …" for every key in which two texts of to_toml() differ; empty if there is none. Of
/// two lists of more than ten values they name the values that only one has.
std::vector<std::string> differences(const std::string& stored_toml, const std::string& current_toml);

}  // namespace cotscale
