// MPI's lifetime.
#pragma once

#include <functional>
#include <string>

#include "cotscale/comm/communicator.hpp"

namespace cotscale {

/// Initialises MPI (MPI_THREAD_MULTIPLE), runs `body` with all ranks, finalises MPI and returns the exit code.
/// - An MPI that cannot start, or fails later, ends the process with exit_code::internal, in our words.
/// - An agreed_error is reported by the root and becomes its exit code on every rank.
/// - Any other exception is reported by the rank that threw it, and takes the whole job down with its exit code
/// (MPI_Abort): the others
///   may be waiting for this rank, and must not hang.
/// The root leaves the exit code in the file that COTSCALE_EXIT_CODE_FILE names, if it is set: launchers have codes of
/// their own.
int with_mpi(int& argc, char**& argv, const std::function<exit_code(const communicator&)>& body);

/// One line, such as "Open MPI v4.1.4, …".
std::string mpi_library_version();

std::string host_name();

}  // namespace cotscale
