#include "cotscale/store/sealed_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/store/schema.hpp"
#include "seal.hpp"

namespace cotscale {
namespace {

constexpr const char* our_title = "cotscale";

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw io_error(
      fmt::format("{}: damaged: {}. Nothing in it can be trusted: restore the file from a copy, or compute it anew "
                  "(with another --output, or with --overwrite)",
                  path, what));
}

void require_file(const std::string& path) {
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(path, failure);
  if (status.type() == std::filesystem::file_type::not_found) throw io_error(fmt::format("{}: no such file", path));
  if (failure) throw io_error(fmt::format("{}: cannot be read ({})", path, failure.message()));
  if (!std::filesystem::is_regular_file(status)) throw io_error(fmt::format("{}: not a file", path));
}

std::uint64_t length_of(const descriptor& file, const std::string& path) {
  const off_t end = lseek(file.get(), 0, SEEK_END);
  if (end < 0) throw io_error(fmt::format("{}: cannot be read ({})", path, reason()));
  return static_cast<std::uint64_t>(end);
}

std::string read_text(const descriptor& file, const std::string& path, std::uint64_t offset, std::uint64_t bytes) {
  std::string text(bytes, '\0');
  detail::read_exactly(file, path, offset, std::as_writable_bytes(std::span(text)));
  return text;
}

// Throws mismatch_error unless the version is that of this program, with the one to read it by: the one that wrote it,
// as far as it has said who it is, or the last commit before the next version.
void require_schema_version(const std::string& path, std::int64_t version, const std::string& writer,
                            const std::string& commit) {
  if (version == schema_version) return;
  constexpr std::array<std::string_view, 2> last_commits{"2f17c40", "0e75c6a"};  // of versions 1 and 2
  std::string readers =
      version > schema_version
          ? "a newer cotscale"
          : fmt::format("a cotscale up to commit {}",
                        last_commits.at(static_cast<std::size_t>(std::clamp<std::int64_t>(version, 1, 2) - 1)));
  if (!writer.empty()) readers += fmt::format(", such as the {} of commit {} that wrote it", writer, commit);
  throw mismatch_error(
      fmt::format("{}: has schema version {}, and this cotscale reads and writes version {}; read it with {}, or name "
                  "another file and compute its results again",
                  path, version, schema_version, readers));
}

// Says what a file without seal is. HDF5 opens it: it is an older one, somebody else's, or its seal is damaged.
[[noreturn]] void refuse_unsealed(const std::string& path) {
  const hdf5_file file = [&] {
    try {
      return hdf5_file::open_read(path);
    } catch (const not_hdf5_error& e) {
      throw io_error(fmt::format("{}\n  The file is truncated, damaged or not HDF5; move it away, or name another file",
                                 e.what()));
    }
  }();
  if (!has_our_title(file)) {
    throw mismatch_error(fmt::format("{}: an HDF5 file, but not a results file of cotscale; name another file", path));
  }
  const auto text = [&](const char* attribute) {
    return file.has_attribute("/", attribute) ? file.text_attribute("/", attribute) : "";
  };
  require_schema_version(path, file.integer_attribute("/", "schema_version"), text("cotscale_version"),
                         text("git_sha"));
  damaged(path, "its seal is not there");
}

}  // namespace

bool has_our_title(const hdf5_file& file) {
  try {
    return file.has_attribute("/", "schema_version") && file.has_attribute("/", "title") &&
           file.text_attribute("/", "title").starts_with(our_title);
  } catch (const io_error&) {
    return false;  // of another type than ours
  }
}

std::optional<file_kind> sealed_kind(const std::string& path) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure)) return std::nullopt;
  const descriptor file = open_descriptor(path, O_RDONLY);
  if (!file) throw io_error(fmt::format("{}: cannot be read ({})", path, reason()));
  const std::string head = read_text(file, path, 0, std::min(length_of(file, path), detail::head_bytes));
  const std::size_t at = head.find(detail::seal_magic);
  if (at == std::string::npos) return std::nullopt;
  return detail::parse_kind(std::string_view(head).substr(at));
}

sealed_file::sealed_file(const std::string& path) : path_(path) {
  require_file(path);
  file_ = open_locked(path);
  const std::uint64_t length = length_of(file_, path);
  const std::string head = read_text(file_, path, 0, std::min(length, detail::head_bytes));
  const std::size_t at = head.find(detail::seal_magic);
  if (at == std::string::npos) refuse_unsealed(path);
  std::optional<detail::seal> s = detail::parse_seal(std::string_view(head).substr(at));
  if (!s) damaged(path, "its seal is not as it was written");
  if (s->file_bytes != length) {
    damaged(path, fmt::format("{}: it has {} bytes, and had {}", length < s->file_bytes ? "truncated" : "extended",
                              length, s->file_bytes));
  }
  s->places.seal = at;
  kind_ = s->kind;
  const std::string text = read_text(file_, path, s->places.description, s->places.description_bytes);
  if (detail::xxh64(text) != s->description_checksum) damaged(path, "the description inside it has changed");
  const auto attribute = [&](const char* name) { return file_description::leading_text(text, name).value_or(""); };
  if (const std::string version = attribute("attribute.schema_version"); !version.empty()) {
    require_schema_version(path, std::stoll(version), attribute("attribute.cotscale_version"),
                           attribute("attribute.git_sha"));
  }
  description_ = file_description::from_text(text);
  if (detail::fixed_checksum(file_, path, *s, description_) != s->fixed_checksum) {
    damaged(path, "names, coordinates, specification, attributes or structure have changed since it was created");
  }
}

std::string sealed_file::sha256() const {
  constexpr std::uint64_t at_once = 1 << 20;
  sha256_sum sum;
  const std::uint64_t length = length_of(file_, path_);
  for (std::uint64_t from = 0; from < length; from += at_once) {
    sum.add(read_text(file_, path_, from, std::min(at_once, length - from)));
  }
  return sum.hexadecimal();
}

const stored_dataset& sealed_file::dataset(const std::string& name) const {
  const stored_dataset* found = description_.find(name);
  if (found == nullptr) throw io_error(fmt::format("{}: has no {}", path_, name));
  return *found;
}

void sealed_file::read_bytes(const stored_dataset& dataset, std::uint64_t first, std::span<std::byte> bytes) const {
  if (first + bytes.size() > dataset.bytes()) {
    throw io_error(fmt::format("{}: {} has {} bytes, no {} from {} on", path_, dataset.name, dataset.bytes(),
                               bytes.size(), first));
  }
  detail::read_exactly(file_, path_, dataset.offset + first, bytes);
}

template<class T>
std::vector<T> sealed_file::read(const std::string& name, std::uint64_t first, std::uint64_t count) const {
  const stored_dataset& from = dataset(name);
  if (from.type != type_name<T>()) {
    throw io_error(fmt::format("{}: {} is of the type {}, not {}", path_, name, from.type, type_name<T>()));
  }
  if (first + count > from.values()) {
    throw io_error(fmt::format("{}: {} has {} values, no {} from {} on", path_, name, from.values(), count, first));
  }
  std::vector<T> values(count);
  read_bytes(from, first * sizeof(T), std::as_writable_bytes(std::span(values)));
  return values;
}

template std::vector<double> sealed_file::read(const std::string&, std::uint64_t, std::uint64_t) const;
template std::vector<float> sealed_file::read(const std::string&, std::uint64_t, std::uint64_t) const;
template std::vector<std::int64_t> sealed_file::read(const std::string&, std::uint64_t, std::uint64_t) const;
template std::vector<std::int32_t> sealed_file::read(const std::string&, std::uint64_t, std::uint64_t) const;
template std::vector<std::int8_t> sealed_file::read(const std::string&, std::uint64_t, std::uint64_t) const;
template std::vector<std::uint8_t> sealed_file::read(const std::string&, std::uint64_t, std::uint64_t) const;
template std::vector<std::uint64_t> sealed_file::read(const std::string&, std::uint64_t, std::uint64_t) const;

}  // namespace cotscale
