#include "driver.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#include "cotscale/base/error.hpp"
#include "cotscale/hdf5/file.hpp"

namespace cotscale::detail {
namespace {

// One opening of a file by HDF5, which begins with HDF5's own part.
struct opened {
  H5FD_t common;
  file_access* access;
  haddr_t allocated;
};

opened& self(H5FD_t* file) { return *reinterpret_cast<opened*>(file); }
const opened& self(const H5FD_t* file) { return *reinterpret_cast<const opened*>(file); }

H5FD_t* open_callback(const char*, unsigned, hid_t properties, haddr_t) {
  const auto* access = static_cast<file_access* const*>(H5Pget_driver_info(properties));
  if (access == nullptr) return nullptr;
  auto* file = new (std::nothrow) opened{{}, *access, 0};
  return file != nullptr ? &file->common : nullptr;
}

herr_t close_callback(H5FD_t* file) {
  delete &self(file);
  return 0;
}

int compare_callback(const H5FD_t* a, const H5FD_t* b) {
  const file_access *left = self(a).access, *right = self(b).access;
  return left == right ? 0 : (left < right ? -1 : 1);
}

herr_t query_callback(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t get_allocated_callback(const H5FD_t* file, H5FD_mem_t) { return self(file).allocated; }

herr_t set_allocated_callback(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  self(file).allocated = address;
  return 0;
}

haddr_t get_end_callback(const H5FD_t* file, H5FD_mem_t) { return self(file).access->end; }

herr_t read_callback(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void* buffer) {
  file_access& access = *self(file).access;
  if (read_at(access.file, {static_cast<std::byte*>(buffer), size}, address)) return 0;
  if (access.error == 0) access.error = errno;
  return -1;
}

// Says that it has written even where it has not: whoever closes the file is told.
herr_t write_callback(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, const void* buffer) {
  file_access& access = *self(file).access;
  if (access.error == 0 && !write_at(access.file, {static_cast<const std::byte*>(buffer), size}, address)) {
    access.error = errno;
  }
  access.end = std::max<std::uint64_t>(access.end, address + size);
  return 0;
}

herr_t truncate_callback(H5FD_t* file, hid_t, hbool_t) {
  file_access& access = *self(file).access;
  const haddr_t length = self(file).allocated;
  if (length == access.end && access.reserved <= length) return 0;
  if (access.error == 0 && ftruncate(access.file.get(), static_cast<off_t>(length)) != 0) access.error = errno;
  access.end = length;
  access.reserved = 0;
  return 0;
}

// Not a braced list: newer versions of HDF5 have more members, in another order.
H5FD_class_t driver_class() {
  H5FD_class_t c{};
#if H5_VERSION_GE(1, 13, 0)
  c.version = H5FD_CLASS_VERSION;
  c.value = static_cast<H5FD_class_value_t>(511);  // the range for drivers of one's own, outside of the registry
#endif
  c.name = "cotscale";
  c.maxaddr = (haddr_t{1} << 63) - 1;
  c.fc_degree = H5F_CLOSE_STRONG;
  c.fapl_size = sizeof(file_access*);
  c.open = open_callback;
  c.close = close_callback;
  c.cmp = compare_callback;
  c.query = query_callback;
  c.get_eoa = get_allocated_callback;
  c.set_eoa = set_allocated_callback;
  c.get_eof = get_end_callback;
  c.read = read_callback;
  c.write = write_callback;
  c.truncate = truncate_callback;
  const H5FD_mem_t map[H5FD_MEM_NTYPES] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(map), std::end(map), std::begin(c.fl_map));
  return c;
}

void take_shared_lock(const descriptor& file, const std::string& path) {
  const char* wanted = std::getenv("HDF5_USE_FILE_LOCKING");
  const std::string_view locking = wanted != nullptr ? wanted : "TRUE";
  if (locking == "FALSE" || locking == "0") return;
  int failed = 0;
  do {
    failed = flock(file.get(), LOCK_SH | LOCK_NB);
  } while (failed != 0 && errno == EINTR);
  if (failed == 0) return;
  if (errno == EWOULDBLOCK) {
    throw io_error(fmt::format(
        "{}: another program has this file open for writing (h5py's mode r+, say); close it there, or wait", path));
  }
  if (locking == "BEST_EFFORT") return;
  throw io_error(
      fmt::format("{}: the file system gives no lock ({}); where nobody else writes this file, set "
                  "HDF5_USE_FILE_LOCKING=FALSE in the environment",
                  path, reason()));
}

}  // namespace

handle file_access::properties() {
  static const H5FD_class_t driver = driver_class();
  static const hid_t id = H5FDregister(&driver);
  handle list(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const file_access* const me = this;
  H5Pset_driver(list.get(), id, &me);
  return list;
}

file_access open_for_reading(const std::string& path) {
  file_access access{.file = open_locked(path)};
  struct stat status {};
  if (fstat(access.file.get(), &status) != 0) throw io_error(fmt::format("{}: cannot be read ({})", path, reason()));
  access.end = static_cast<std::uint64_t>(status.st_size);
  return access;
}

file_access open_for_creating(const std::string& path, std::uint64_t bytes) {
  // What a killed run has left under this name, of whatever kind, is in the way.
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    throw io_error(fmt::format("{}: cannot remove what is in the way of the new file ({})", path, reason()));
  }
  file_access access{.file = open_descriptor(path, O_RDWR | O_CREAT | O_EXCL)};
  if (!access.file) throw io_error(fmt::format("{}: cannot create the file ({})", path, reason()));
  int failure = 0;
  do {
    failure = posix_fallocate(access.file.get(), 0, static_cast<off_t>(bytes));
  } while (failure == EINTR);
  // A full disk is met before anything is written, and what is reserved here cannot run out later.
  if (failure == 0) access.reserved = bytes;
  if (failure == 0 || failure == EOPNOTSUPP || failure == EINVAL || failure == ENOSYS) return access;
  unlink(path.c_str());
  throw io_error(fmt::format("{}: no room for the results, {:.1f} MB ({}); free some space or choose another --output",
                             path, static_cast<double>(bytes) * 1e-6, std::strerror(failure)));
}

}  // namespace cotscale::detail

cotscale::descriptor cotscale::open_locked(const std::string& path) {
  descriptor file = open_descriptor(path, O_RDONLY);
  if (!file) throw io_error(fmt::format("{}: cannot be read ({})", path, reason()));
  detail::take_shared_lock(file, path);
  return file;
}
