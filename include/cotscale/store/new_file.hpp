// Files that appear under their name when they are complete, or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cotscale/store/sealed_file.hpp"

namespace cotscale {

/// Attributes in their order in the file. Those that are equal in all runs of a study (is_of_root) are of the root, the
/// others of the group `provenance`, so that files of several runs can be joined.
using provenance = std::vector<std::pair<std::string, std::variant<std::string, std::int64_t>>>;

/// The absolute path, links resolved whether they lead anywhere or not, so that a file has one name, and one lock,
/// before and after it exists. Throws io_error for a circle of links.
std::string resolved_path(const std::string& output);

/// Throws io_error unless the directory that the file is to be in exists.
void require_output_directory(const std::string& path);

bool is_of_root(std::string_view attribute);

/// Creates an HDF5 file under a temporary name, with attributes, what `fill` puts into it and describes, and the
/// specification; seals it, syncs it to disk and renames it to `path`. `bytes` of datasets must find room. Throws
/// io_error, and leaves nothing behind, if it cannot. Replaces a file that is there.
void create_file(const std::string& path, file_kind kind, std::uint64_t bytes, const provenance& attributes,
                 const std::string& config_toml, const std::function<void(hdf5_file&, file_description&)>& fill);

}  // namespace cotscale
