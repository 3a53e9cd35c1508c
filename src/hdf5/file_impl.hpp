// What an hdf5_file is made of.
#pragma once

#include <hdf5.h>

#include <map>
#include <string>
#include <utility>

#include "cotscale/hdf5/file.hpp"
#include "driver.hpp"
#include "handle.hpp"

namespace cotscale {

struct hdf5_file::impl {
  std::string path;
  detail::file_access access;
  detail::handle file = {};
  mutable std::map<std::string, detail::handle> datasets = {};  ///< closed before the file

  impl(std::string name, detail::file_access opened) : path(std::move(name)), access(std::move(opened)) {}

  /// In the system's words where a transfer has failed, else in HDF5's.
  [[noreturn]] void fail(const std::string& action) const;

  /// HDF5 believes that every write has succeeded.
  void require_written(const std::string& action) const {
    if (access.error != 0) fail(action);
  }

  /// Opened once and kept: opening costs more than a cell's write.
  hid_t dataset(const std::string& name) const;

  /// Creates a contiguous dataset, allocated and filled at once with the value at `fill` (none if null).
  void create(const std::string& name, hid_t type, const extents& shape, const void* fill) const;

  /// A dataset or group, or "/".
  detail::handle object(const std::string& name) const;
  /// Writes a new attribute of an object.
  void attribute(const std::string& object_name, const std::string& name, hid_t type, const extents& shape,
                 const void* values) const;
  detail::handle open_attribute(const std::string& object_name, const std::string& name) const;
};

}  // namespace cotscale
