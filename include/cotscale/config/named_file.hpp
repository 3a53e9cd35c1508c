// A file that a table names, by the keys `file` and `sha256`, or these after a prefix.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "cotscale/config/keys.hpp"

namespace cotscale::config {

struct named_file {
  std::string name;              ///< as written; relative to the specification's directory
  std::string sha256;            ///< of its contents
  std::string_view prefix = {};  ///< of both keys, where the table has another file
};

/// Declares both keys. `what` is in the file, in a word: it makes the example `file = "<what>.h5"`.
void file_keys(keys& k, named_file& file, std::string_view help, std::string_view what);

/// Where the key `file` was read: identifies the file by its SHA-256, then calls `read` with its path. Problems of the
/// keys are a file that cannot be read (io_error), one that has changed, before this or meanwhile, and what `read`
/// throws as specification_error.
void open_file(keys& k, named_file& file, const std::filesystem::path& directory, std::string_view what,
               const std::function<void(const std::string& path)>& read);

}  // namespace cotscale::config
