// Files that say of all their bytes whether they are as they were written (docs/results-layout.md, "Checksums").
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/hdf5/file.hpp"
#include "cotscale/store/description.hpp"

namespace cotscale {

enum class file_kind : std::uint8_t { results, selection };

/// The group with the seal and the description.
inline constexpr const char* integrity_group = "integrity";

/// Makes the place of the seal; the first thing that is put into a new file, so that it stands at its beginning.
void reserve_seal(hdf5_file& file);

/// Looks up where the described datasets are, and stores the description; the last thing that is put into a new file.
void store_description(hdf5_file& file, file_description& description);

/// Where the parts are that tell a file's soundness.
struct seal_places {
  std::uint64_t seal = 0;
  std::uint64_t description = 0, description_bytes = 0;
};
seal_places find_places(const hdf5_file& file);

/// Writes the seal over all bytes that will not change: after this, the only writes that leave the file sound are
/// those into datasets of cells. The file is closed. Throws io_error.
void seal_file(const std::string& path, file_kind kind, const seal_places& places, const file_description& description);

/// What the beginning of a file says that it is, sound or not; nothing if there is no seal or no such file.
std::optional<file_kind> sealed_kind(const std::string& path);

/// Whether an HDF5 file's attributes call it ours, of any schema version.
bool has_our_title(const hdf5_file& file);

/// A sealed file opened for reading, without HDF5: a damaged one cannot harm us.
class sealed_file {
 public:
  /// Throws io_error if there is no such file, it cannot be read, or a byte is not as it was written, other than in
  /// the datasets of cells; mismatch_error if it is no file of ours, or of another schema version.
  explicit sealed_file(const std::string& path);

  const std::string& path() const { return path_; }
  file_kind kind() const { return kind_; }
  /// SHA-256 of the contents of this very file, whatever has its name by now. Throws io_error.
  std::string sha256() const;
  const file_description& description() const { return description_; }
  /// Throws io_error if there is no such dataset.
  const stored_dataset& dataset(const std::string& name) const;

  /// `bytes.size()` bytes of a dataset from its byte `first` on.
  void read_bytes(const stored_dataset& dataset, std::uint64_t first, std::span<std::byte> bytes) const;
  /// `count` values from `first` on, row-major; throws io_error if they are not in the dataset or of another type.
  template<class T>
  std::vector<T> read(const std::string& name, std::uint64_t first, std::uint64_t count) const;
  template<class T>
  std::vector<T> read(const std::string& name) const {
    return read<T>(name, 0, dataset(name).values());
  }

 private:
  std::string path_;
  descriptor file_;
  file_kind kind_ = file_kind::results;
  file_description description_;
};

}  // namespace cotscale
