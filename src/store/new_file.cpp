#include "cotscale/store/new_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

constexpr const char* provenance_group = "provenance";

void write_attributes(hdf5_file& file, file_description& description, const provenance& attributes) {
  file.create_group(provenance_group);
  for (const auto& attribute : attributes) {
    const char* object = is_of_root(attribute.first) ? "/" : provenance_group;
    std::visit(
        [&](const auto& value) {
          file.set_attribute(object, attribute.first, value);
          description.add_text("attribute." + attribute.first, fmt::format("{}", value));
        },
        attribute.second);
  }
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

bool is_of_root(std::string_view attribute) {
  constexpr std::array<std::string_view, 3> names{"Conventions", "schema_version", "title"};
  return std::find(names.begin(), names.end(), attribute) != names.end();
}

void create_file(const std::string& path, file_kind kind, std::uint64_t bytes, const provenance& attributes,
                 const std::string& config_toml, const std::function<void(hdf5_file&, file_description&)>& fill) {
  const std::string temporary = path + ".creating";
  constexpr std::uint64_t metadata = 262'144;
  try {
    hdf5_file file = hdf5_file::create(temporary, bytes + metadata + 4 * config_toml.size());
    file_description description;
    reserve_seal(file);
    write_attributes(file, description, attributes);
    fill(file, description);
    file.create_strings("config_toml", {}, {config_toml});
    file.set_attribute("config_toml", "long_name", std::string("resolved specification"));
    description.add_text("config_toml", config_toml);
    store_description(file, description);
    const seal_places places = find_places(file);
    file.close();
    seal_file(temporary, kind, places, description);
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
