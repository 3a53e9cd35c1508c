// The MPI handle behind a communicator; only for modules that link MPI.
#pragma once

#include <mpi.h>

#include "cotscale/comm/communicator.hpp"

namespace cotscale {

struct communicator::impl {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;
  bool owned = false;

  impl(MPI_Comm handle, bool owns);
  ~impl();
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  impl(impl&&) = delete;
  impl& operator=(impl&&) = delete;
};

}  // namespace cotscale
