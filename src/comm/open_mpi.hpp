// What has to be known about Open MPI 4 in order to end with words and codes of our own. Under another MPI library
// these do nothing.
#pragma once

namespace cotscale::detail {

/// While it lives, Open MPI's way of ending a process that cannot start (a box and the exit code 1) is replaced: our
/// words, and exit_code::internal.
class starting_guard {
 public:
  starting_guard();
  ~starting_guard();
  starting_guard(const starting_guard&) = delete;
  starting_guard& operator=(const starting_guard&) = delete;
  starting_guard(starting_guard&&) = delete;
  starting_guard& operator=(starting_guard&&) = delete;
};

/// Whether MPI_Abort will end the job without a box from Open MPI or its mpirun.
bool abort_is_quiet();

}  // namespace cotscale::detail
