// The files that a specification names, for its results file to hold.
#pragma once

#include <cstdint>
#include <vector>

#include "cotscale/experiment/specification.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale {

/// Files above this are not kept.
inline constexpr std::uint64_t largest_kept_input = 1'000'000;

/// In the order of their names, each once: those that any combination of varied keys has an effect with. A key
/// `[PREFIX_]file` names one, and `[PREFIX_]sha256` identifies it. Throws io_error if one cannot be read, and
/// specification_error if it has changed since the specification was read.
std::vector<input_file> read_inputs(const specification& spec);

}  // namespace cotscale
