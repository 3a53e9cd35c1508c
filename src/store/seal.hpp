// The seal itself: a text of fixed length near the beginning of a file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cotscale/store/sealed_file.hpp"

namespace cotscale::detail {

inline constexpr std::string_view seal_magic = "cotscale seal 1\n";

/// The seal stands within so many bytes of the beginning of the file.
inline constexpr std::uint64_t head_bytes = 65'536;

struct seal {
  file_kind kind = file_kind::results;
  std::uint64_t file_bytes = 0;
  seal_places places;  ///< that of the seal itself is not in its text
  std::uint64_t description_checksum = 0;
  std::uint64_t fixed_checksum = 0;  ///< of all bytes but the seal's own and those of the datasets of cells
};

/// Always seal_length() bytes; its last line is the XXH64 of those before.
std::string to_text(const seal& s);
std::size_t seal_length();

/// Nothing unless every byte is as to_text() wrote it.
std::optional<seal> parse_seal(std::string_view text);
std::optional<file_kind> parse_kind(std::string_view text);

/// Reads so many bytes from `offset` on; throws io_error if it cannot, or the file ends before.
void read_exactly(const descriptor& file, const std::string& path, std::uint64_t offset, std::span<std::byte> bytes);

std::uint64_t xxh64(std::string_view text);

/// XXH64 of the bytes of a file of that length that never change.
std::uint64_t fixed_checksum(const descriptor& file, const std::string& path, const seal& s,
                             const file_description& description);

}  // namespace cotscale::detail
