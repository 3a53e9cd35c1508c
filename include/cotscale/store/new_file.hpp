// Files that appear under their name when they are complete, or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cotscale/hdf5/file.hpp"

namespace cotscale {

/// Root attributes in their order in the file.
using provenance = std::vector<std::pair<std::string, std::variant<std::string, std::int64_t>>>;

/// The absolute path, links resolved whether they lead anywhere or not, so that a file has one name, and one lock,
/// before and after it exists. Throws io_error for a circle of links.
std::string resolved_path(const std::string& output);

/// Throws io_error unless the directory that the file is to be in exists.
void require_output_directory(const std::string& path);

/// Creates an HDF5 file under a temporary name, with root attributes, what `fill` puts into it, and the specification;
/// syncs it to disk and renames it to `path`. `bytes` of datasets must find room. Throws io_error, and leaves nothing
/// behind, if it cannot. Replaces a file that is there.
void create_file(const std::string& path, std::uint64_t bytes, const provenance& attributes,
                 const std::string& config_toml, const std::function<void(hdf5_file&)>& fill);

}  // namespace cotscale
