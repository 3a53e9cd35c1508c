// HDF5's way to a file through a descriptor of ours: it keeps the system's own reason for a failure, and HDF5 never
// meets a write that fails (HDF5 1.10 ends in a crash after a failed H5Fclose).
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <string>

#include "cotscale/base/descriptor.hpp"
#include "handle.hpp"

namespace cotscale::detail {

/// What a file is accessed through; must outlive HDF5's handle of it, and stay where it is.
struct file_access {
  descriptor file;
  std::uint64_t end = 0;       ///< length as far as HDF5 is concerned: what was written, not what was reserved
  std::uint64_t reserved = 0;  ///< length that the file was given in advance; cut off when it is complete
  int error = 0;               ///< errno of the first transfer that failed; nothing is written after it

  /// Properties for H5Fopen or H5Fcreate, whose name is then for messages only.
  handle properties();
};

/// Opens a file for reading, with the lock that HDF5 itself would take: shared, unless HDF5_USE_FILE_LOCKING is FALSE.
/// Throws io_error with what to do.
file_access open_for_reading(const std::string& path);

/// Creates a file, of which `bytes` are reserved on the disk. Throws io_error, and leaves nothing behind, if there is
/// no room.
file_access open_for_creating(const std::string& path, std::uint64_t bytes);

}  // namespace cotscale::detail
