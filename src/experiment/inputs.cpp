#include "cotscale/experiment/inputs.hpp"

#include <toml++/toml.h>

#include <map>
#include <string>
#include <string_view>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/base/input_file.hpp"

namespace cotscale {
namespace {

// Names and digests in a canonical text, which holds what has an effect.
void collect(const toml::table& table, std::map<std::string, std::string>& found) {
  for (const auto& [key, node] : table) {
    if (const toml::table* inner = node.as_table()) collect(*inner, found);
    constexpr std::string_view digest = "sha256";
    const std::string_view name = key.str();
    if (!name.ends_with(digest)) continue;
    const std::string file = std::string(name.substr(0, name.size() - digest.size())) + "file";
    found.emplace(table[file].value_or(std::string()), node.value_or(std::string()));
  }
}

input_file read(const std::filesystem::path& directory, const std::string& name, const std::string& sha256) {
  const std::filesystem::path path = directory / name;
  std::error_code failure;
  input_file out{.name = name, .sha256 = sha256, .bytes = std::filesystem::file_size(path, failure)};
  if (failure) throw io_error(fmt::format("{}: cannot be read ({})", path.string(), failure.message()));
  if (out.bytes > largest_kept_input) return out;
  out.contents = read_regular_file(path, largest_kept_input);
  if (out.contents.size() == out.bytes && cotscale::sha256(out.contents) == sha256) return out;
  throw specification_error(
      fmt::format("{}: has changed since the specification was read; start again", path.string()));
}

}  // namespace

std::vector<input_file> read_inputs(const specification& spec) {
  std::map<std::string, std::string> found;
  for (std::size_t i = 0; i < variant_count(spec); ++i) collect(toml::parse(to_toml(variant_of(spec, i))), found);
  std::vector<input_file> out;
  for (const auto& [name, sha256] : found) out.push_back(read(spec.directory, name, sha256));
  return out;
}

}  // namespace cotscale
