#include "cotscale/store/new_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

std::string reason() { return std::strerror(errno); }

// Tries whether there is room for the whole file, so that a full disk is met before anything is written, in plain
// words.
void require_space(const std::string& path, std::uint64_t bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) throw io_error(fmt::format("{}: cannot create the file ({})", path, reason()));
  const int failure = posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  ::close(fd);
  if (failure == 0 || failure == EOPNOTSUPP || failure == EINVAL) return;
  unlink(path.c_str());
  throw io_error(fmt::format("{}: no room for the results, {:.1f} MB ({}); free some space or choose another --output",
                             path, static_cast<double>(bytes) * 1e-6, std::strerror(failure)));
}

void sync_path(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const std::string why = reason();
  if (fd >= 0) ::close(fd);
  if (!synced) throw io_error(fmt::format("{}: cannot write it to disk ({})", path, why));
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
  require_space(temporary, bytes + metadata + 4 * config_toml.size());
  try {
    hdf5_file file = hdf5_file::create(temporary);
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
    sync_path(temporary, O_RDWR);
    std::filesystem::rename(temporary, path);
  } catch (const std::filesystem::filesystem_error& e) {
    unlink(temporary.c_str());
    throw io_error(fmt::format("{}: cannot rename the new file ({})", path, e.what()));
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  sync_path(directory.empty() ? "." : directory.string(), O_RDONLY | O_DIRECTORY);
}

}  // namespace cotscale
