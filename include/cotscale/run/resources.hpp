// The cores that the ranks of a run have, and how they share them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cotscale/comm/communicator.hpp"

namespace cotscale {

/// Processors that this process may use: those of its affinity, or fewer by the limit of its control group.
int usable_cores();

/// Sets this process's OpenMP threads to that, unless OMP_NUM_THREADS is set.
void use_own_cores();

/// Collective. Sets this rank's OpenMP threads: OMP_NUM_THREADS if it is set, else an equal share of the cores that the
/// ranks of this host may use. Returns warnings, on the root only, if a host has more threads than cores.
std::vector<std::string> share_cores(const communicator& all);

/// Bytes of memory of this host.
std::uint64_t physical_memory();

/// Throws specification_error if a cell needs more than that by itself.
void require_memory(std::uint64_t bytes, const std::string& cell);

}  // namespace cotscale
