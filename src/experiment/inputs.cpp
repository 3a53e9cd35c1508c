#include "cotscale/experiment/inputs.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <string_view>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/base/input_file.hpp"

namespace cotscale {
namespace {

void collect(const toml::table& table, std::map<std::string, std::string>& found) {
  for (const auto& [key, node] : table) {
    if (const toml::table* inner = node.as_table()) collect(*inner, found);
    if (const toml::array* list = node.as_array()) {
      list->for_each([&](const toml::table& inner) { collect(inner, found); });
    }
    constexpr std::string_view digest = "sha256";
    const std::string_view name = key.str();
    if (!name.ends_with(digest)) continue;
    const std::string file = std::string(name.substr(0, name.size() - digest.size())) + "file";
    found.emplace(table[file].value_or(std::string()), node.value_or(std::string()));
  }
}

// With its contents if they have at most so many bytes.
input_file read(const std::filesystem::path& directory, const std::string& name, const std::string& sha256,
                std::uint64_t most) {
  const std::filesystem::path path = directory / name;
  std::error_code failure;
  input_file out{.name = name, .sha256 = sha256, .bytes = std::filesystem::file_size(path, failure)};
  if (failure) throw io_error(fmt::format("{}: cannot be read ({})", path.string(), failure.message()));
  if (out.bytes > most) return out;
  out.contents = read_regular_file(path, most);
  if (out.contents.size() == out.bytes && cotscale::sha256(out.contents) == sha256) return out;
  throw specification_error(
      fmt::format("{}: has changed since the specification was read; start again", path.string()));
}

}  // namespace

std::map<std::string, std::string> inputs_named_in(const std::string& canonical_text) {
  std::map<std::string, std::string> found;
  collect(toml::parse(canonical_text), found);
  return found;
}

std::map<std::string, std::string> inputs_of(const specification& spec) {
  std::map<std::string, std::string> found;
  for (std::size_t i = 0; i < variant_count(spec); ++i) found.merge(inputs_named_in(to_toml(variant_of(spec, i))));
  return found;
}

void require_none_is(const std::string& output, const std::map<std::string, std::string>& inputs,
                     const std::filesystem::path& directory) {
  for (const auto& [name, sha256] : inputs) {
    std::error_code failure;  // a file that is not there is no other's equal
    if (!std::filesystem::equivalent(directory / name, output, failure)) continue;
    throw specification_error(fmt::format(
        "{}: is the file \"{}\" that the specification names, and results would replace it; choose another --output",
        output, name));
  }
}

std::vector<input_file> read_inputs(const specification& spec) {
  const std::map<std::string, std::string> found = inputs_of(spec);
  std::vector<input_file> out;
  std::uint64_t room = most_kept_inputs;
  for (const auto& [name, sha256] : found) {
    out.push_back(read(spec.directory, name, sha256, std::min(room, largest_kept_input)));
    room -= out.back().contents.size();
  }
  return out;
}

}  // namespace cotscale
