// Hashes: XXH64 for checksums, SHA-256 to identify texts and files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct XXH64_state_s;

namespace cotscale {

/// XXH64 (seed 0) of a byte sequence that arrives in parts.
class checksum {
 public:
  checksum();
  void add(std::span<const std::byte> bytes);
  std::uint64_t value() const;

 private:
  struct deleter {
    void operator()(XXH64_state_s* state) const noexcept;
  };
  std::unique_ptr<XXH64_state_s, deleter> state_;
};

/// SHA-256 of a text, as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view text);

/// The same of a file's contents, however large. Throws io_error if it cannot be read.
std::string sha256_of_file(const std::string& path);

}  // namespace cotscale
