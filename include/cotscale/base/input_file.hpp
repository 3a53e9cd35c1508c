// Files that a user names: regular ones, so that reading them ends.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace cotscale {

/// Throws io_error if the path, links followed, is there and is anything but a regular file: a FIFO or a device would
/// be waited for. What cannot be looked up passes; opening it says why.
void require_regular_file(const std::filesystem::path& path);

/// The contents of a regular file of at most `limit` bytes. Throws io_error.
std::string read_regular_file(const std::filesystem::path& path, std::uint64_t limit);

/// SHA-256 of the contents of a regular file of any length, as 64 lower-case hexadecimal digits. Throws io_error.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace cotscale
