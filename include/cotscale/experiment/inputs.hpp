// The files that a specification names, for its results file to hold.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cotscale/experiment/specification.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale {

/// Files above this are not kept, nor what does not fit into this beside those before it, in bytes.
inline constexpr std::uint64_t largest_kept_input = 1'000'000, most_kept_inputs = 16'000'000;

/// The files that a canonical text, which holds what has an effect, names in any of its tables: {name: SHA-256}. A key
/// `[PREFIX_]file` names one, and `[PREFIX_]sha256` identifies it.
std::map<std::string, std::string> inputs_named_in(const std::string& canonical_text);

/// The same of those that any combination of varied keys has an effect with.
std::map<std::string, std::string> inputs_of(const specification& spec);

/// Throws specification_error if `output` is one of these files, whatever its name is there.
void require_none_is(const std::string& output, const std::map<std::string, std::string>& inputs,
                     const std::filesystem::path& directory);

/// Those of inputs_of(), in the order of their names. Throws io_error if one cannot be read, and specification_error if
/// it has changed since the specification was read.
std::vector<input_file> read_inputs(const specification& spec);

}  // namespace cotscale
