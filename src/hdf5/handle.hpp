// RAII for HDF5 identifiers, and calls that throw.
#pragma once

#include <hdf5.h>

#include <string>
#include <utility>

namespace cotscale::detail {

/// HDF5's error stack as one line, innermost reason first; clears it.
std::string error_stack();

/// Throws io_error "<path>: cannot <action> (<HDF5's words>)".
[[noreturn]] void fail(const std::string& path, const std::string& action);

/// Stops HDF5 from printing its error stack itself; our exceptions carry it.
void silence_hdf5();

class handle {
 public:
  using close_function = herr_t (*)(hid_t);
  handle() = default;
  handle(hid_t id, close_function closer) : id_(id), close_(closer) {}
  handle(handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  handle& operator=(handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;
  ~handle() {
    if (id_ >= 0) close_(id_);  // NOLINT(clang-analyzer-core.UndefinedBinaryOperatorResult): every constructor sets id_
  }
  hid_t get() const { return id_; }
  bool close() { return id_ < 0 || close_(std::exchange(id_, H5I_INVALID_HID)) >= 0; }

 private:
  hid_t id_ = H5I_INVALID_HID;
  close_function close_ = nullptr;
};

}  // namespace cotscale::detail
