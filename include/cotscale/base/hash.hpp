// Hashes: XXH64 for checksums, SHA-256 to identify texts and files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct XXH64_state_s;
struct evp_md_ctx_st;

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

/// SHA-256 of bytes that arrive in parts.
class sha256_sum {
 public:
  sha256_sum();
  void add(std::string_view bytes);
  /// As 64 lower-case hexadecimal digits; ends the sum.
  std::string hexadecimal();

 private:
  struct deleter {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, deleter> context_;
};

/// The same of a text; sha256_of_file() (base/input_file.hpp) of a file's contents.
std::string sha256(std::string_view text);

}  // namespace cotscale
