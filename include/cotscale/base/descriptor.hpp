// File descriptors that close themselves, and transfers that are whole or have failed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace cotscale {

/// The system's words for `errno`, as it is now.
std::string reason();

/// Owns a descriptor; empty if negative.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor();

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

  /// False, with errno, if what was written may not have arrived. The descriptor is empty either way.
  bool close() noexcept;

 private:
  int number_ = -1;
};

/// open(2) with O_CLOEXEC; empty, with errno, if it fails.
descriptor open_descriptor(const std::string& path, int flags, unsigned mode = 0644) noexcept;

/// Writes all of the bytes at `offset`, however many pieces the system makes of them. False, with errno, if it cannot.
bool write_at(const descriptor& file, std::span<const std::byte> bytes, std::uint64_t offset) noexcept;

/// Reads at `offset` until `bytes` is full or the file ends, and fills what lies beyond the end with zeros. False, with
/// errno, if it cannot.
bool read_at(const descriptor& file, std::span<std::byte> bytes, std::uint64_t offset) noexcept;

}  // namespace cotscale
