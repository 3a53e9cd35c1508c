#include "cotscale/store/new_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

// Makes a new name in the directory durable. Some file systems cannot, and need not.
void sync_directory(const std::string& directory) {
  const descriptor opened = open_descriptor(directory, O_RDONLY | O_DIRECTORY);
  if (opened && (fsync(opened.get()) == 0 || errno == EINVAL || errno == ENOTSUP)) return;
  throw io_error(fmt::format("{}: cannot write it to disk ({})", directory, reason()));
}

}  // namespace

std::string resolved_path(const std::string& output) {
  constexpr int most_links = 40;
  std::error_code unknown;  // what cannot be looked up is reported by whoever opens it
  std::filesystem::path path = std::filesystem::absolute(output);
  // weakly_canonical() follows links to what exists only.
  for (int i = 0; std::filesystem::is_symlink(path, unknown); ++i) {
    if (i == most_links) throw io_error(fmt::format("{}: a circle of links; choose another --output", output));
    path = path.parent_path() / std::filesystem::read_symlink(path, unknown);
  }
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(path, unknown);
  return unknown ? path.string() : resolved.string();
}

void require_output_directory(const std::string& path) {
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  if (directory.empty() || std::filesystem::is_directory(directory)) return;
  throw io_error(fmt::format("{}: the directory {} does not exist; create it, or choose another --output", path,
                             directory.string()));
}

void create_file(const std::string& path, std::uint64_t bytes, const provenance& attributes,
                 const std::string& config_toml, const std::function<void(hdf5_file&)>& fill) {
  const std::string temporary = path + ".creating";
  constexpr std::uint64_t metadata = 262'144;
  try {
    hdf5_file file = hdf5_file::create(temporary, bytes + metadata + 4 * config_toml.size());
    for (const auto& attribute : attributes) {
      std::visit([&](const auto& value) { file.set_attribute("/", attribute.first, value); }, attribute.second);
    }
    fill(file);
    file.create_strings("config_toml", {}, {config_toml});
    file.set_attribute("config_toml", "long_name", std::string("resolved specification"));
    file.close_durably();
    if (std::rename(temporary.c_str(), path.c_str()) != 0) {
      throw io_error(fmt::format("{}: cannot rename the new file ({})", path, reason()));
    }
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  sync_directory(directory.empty() ? "." : directory.string());
}

}  // namespace cotscale
