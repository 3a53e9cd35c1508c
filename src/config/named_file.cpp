#include "cotscale/config/named_file.hpp"

#include <fmt/format.h>

#include "cotscale/base/error.hpp"
#include "cotscale/base/input_file.hpp"

namespace cotscale::config {
namespace {

std::string name_of(const named_file& file, std::string_view key) { return fmt::format("{}{}", file.prefix, key); }

void identify(keys& k, named_file& file, const std::string& actual) {
  if (!file.sha256.empty() && file.sha256 != actual) {
    k.problem(name_of(file, "sha256"),
              fmt::format("is {}, but {} has {}: the file has changed", file.sha256, file.name, actual));
  }
  file.sha256 = actual;
}

}  // namespace

void file_keys(keys& k, named_file& file, std::string_view help, std::string_view what) {
  const std::string example = fmt::format("\"{}.h5\"", what);
  const std::string name = name_of(file, "file"), sum = name_of(file, "sha256");
  k.value({.name = name, .help = help, .example = example, .required = true, .numbers = false}, file.name);
  k.value({.name = sum, .help = "of that file; a resumed run refuses a changed one", .otherwise = "computed"},
          file.sha256);
}

void open_file(keys& k, named_file& file, const std::filesystem::path& directory, std::string_view what,
               const std::function<void(const std::string& path)>& read) {
  const std::string name = name_of(file, "file");
  const auto take = [&] {
    if (file.name.empty()) {
      return k.problem(name, fmt::format("names no file; set it, for example {} = \"{}.h5\"", name, what));
    }
    const std::filesystem::path path = directory / file.name;
    try {
      identify(k, file, sha256_of_file(path));
      read(path.string());
      if (sha256_of_file(path) != file.sha256) k.problem(name, "names a file that changed while it was read");
    } catch (const io_error& e) {
      k.problem(name, fmt::format("names a file that cannot be read ({})", e.what()));
    } catch (const specification_error& e) {
      k.problem(name, fmt::format("names no {} ({})", what, e.what()));
    }
  };
  k.after(name, [&] { k.check(take); });
}

}  // namespace cotscale::config
