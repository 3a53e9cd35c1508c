// HDF5 files with RAII handles and checked calls: what a results store and a covariance file need, and no more.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/base/error.hpp"

namespace cotscale {

/// Shape of a dataset; empty for a scalar.
using extents = std::vector<std::uint64_t>;

/// The file can be read, but is no HDF5 file, or a damaged one.
struct not_hdf5_error : io_error {
  using io_error::io_error;
};

/// Every failure throws io_error with the file's name and HDF5's own words. Not for use by two threads at once.
/// `T` is double, float, std::int64_t, std::int32_t, std::int8_t, std::uint64_t or std::uint8_t. A name may be a path
/// through groups, "weights/v".
class hdf5_file {
 public:
  /// Creates a file that tracks creation order, in the place of whatever is there, and reserves `bytes` for it.
  static hdf5_file create(const std::string& path, std::uint64_t bytes = 0);
  /// Opens a file under the lock that HDF5 would take. Throws not_hdf5_error if its contents are not HDF5.
  static hdf5_file open_read(const std::string& path);

  hdf5_file(hdf5_file&&) noexcept;
  hdf5_file& operator=(hdf5_file&&) noexcept;
  hdf5_file(const hdf5_file&) = delete;
  hdf5_file& operator=(const hdf5_file&) = delete;
  ~hdf5_file();

  /// Closes the file and reports what the destructor would have to swallow.
  void close();

  const std::string& path() const;
  bool has(const std::string& name) const;
  extents shape(const std::string& dataset) const;
  /// Where in the file the bytes of a contiguous dataset begin.
  std::uint64_t offset(const std::string& dataset) const;

  /// A group that tracks creation order.
  void create_group(const std::string& name);
  /// A contiguous dataset whose space is allocated and filled at once.
  template<class T>
  void create_dataset(const std::string& name, const extents& shape, T fill);
  /// A dataset of variable-length UTF-8 strings, which every reader gives back as text (fixed-length ones come back as
  /// bytes in some); shape {} stores the only value as a scalar.
  void create_strings(const std::string& name, const extents& shape, const std::vector<std::string>& values);

  /// All values of a dataset, row-major; as many as it has places.
  template<class T>
  void write(const std::string& name, std::span<const T> values);
  template<class T>
  std::vector<T> read(const std::string& name) const;
  std::vector<std::string> read_strings(const std::string& name) const;

  /// Attributes of the dataset or group `object`, or of the file itself for "/".
  void set_attribute(const std::string& object, const std::string& name, const std::string& value);
  void set_attribute(const std::string& object, const std::string& name, std::int64_t value);
  void set_attribute(const std::string& object, const std::string& name, const std::vector<std::int8_t>& values);
  std::string text_attribute(const std::string& object, const std::string& name) const;
  std::int64_t integer_attribute(const std::string& object, const std::string& name) const;
  bool has_attribute(const std::string& object, const std::string& name) const;

  /// Makes a one-dimensional dataset the scale of the dimension that bears its name (without its groups).
  void make_scale(const std::string& dataset);
  void attach_scale(const std::string& dataset, unsigned dimension, const std::string& scale);

 private:
  struct impl;
  explicit hdf5_file(std::unique_ptr<impl> p);
  std::unique_ptr<impl> impl_;
};

/// Opens a file for reading, with the lock that HDF5 itself would take: shared, unless HDF5_USE_FILE_LOCKING is FALSE.
/// While it is open, programs that would write the file through HDF5 are refused. Throws io_error with what to do.
descriptor open_locked(const std::string& path);

std::string hdf5_library_version();

}  // namespace cotscale
