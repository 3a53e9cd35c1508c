#include "seal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"

namespace cotscale {
namespace detail {
namespace {

constexpr std::string_view results_line = "kind results  \n", selection_line = "kind selection\n";

// Reads fixed-width fields where to_text() puts them.
std::uint64_t field(std::string_view text, std::string_view key, std::size_t index, int base) {
  const std::size_t at = text.find(key);
  std::size_t begin = at + key.size() + 1;
  constexpr std::size_t decimal_digits = 20;
  begin += index < 2 ? index * (decimal_digits + 1) : 2 * (decimal_digits + 1);
  const std::string digits(text.substr(std::min(begin, text.size()), base == 16 ? 16 : decimal_digits));
  return std::strtoull(digits.c_str(), nullptr, base);
}

}  // namespace

std::string to_text(const seal& s) {
  std::string text =
      fmt::format("{}{}file_bytes {:020}\ndescription {:020} {:020} {:016x}\nfixed {:016x}\n", seal_magic,
                  s.kind == file_kind::results ? results_line : selection_line, s.file_bytes, s.places.description,
                  s.places.description_bytes, s.description_checksum, s.fixed_checksum);
  return text + fmt::format("seal {:016x}\n", xxh64(text));
}

std::size_t seal_length() {
  static const std::size_t length = to_text({}).size();
  return length;
}

std::optional<file_kind> parse_kind(std::string_view text) {
  if (!text.starts_with(seal_magic)) return std::nullopt;
  return text.substr(seal_magic.size()).starts_with(selection_line) ? file_kind::selection : file_kind::results;
}

std::optional<seal> parse_seal(std::string_view text) {
  const std::optional<file_kind> kind = parse_kind(text);
  if (!kind || text.size() < seal_length()) return std::nullopt;
  text = text.substr(0, seal_length());
  const seal s{.kind = *kind,
               .file_bytes = field(text, "\nfile_bytes", 0, 10),
               .places = {.description = field(text, "\ndescription", 0, 10),
                          .description_bytes = field(text, "\ndescription", 1, 10)},
               .description_checksum = field(text, "\ndescription", 2, 16),
               .fixed_checksum = field(text, "\nfixed", 0, 16)};
  if (to_text(s) != text) return std::nullopt;
  return s;
}

void read_exactly(const descriptor& file, const std::string& path, std::uint64_t offset, std::span<std::byte> bytes) {
  if (!read_at(file, bytes, offset)) throw io_error(fmt::format("{}: cannot be read ({})", path, reason()));
}

std::uint64_t xxh64(std::string_view text) {
  checksum sum;
  sum.add(std::as_bytes(std::span(text)));
  return sum.value();
}

std::uint64_t fixed_checksum(const descriptor& file, const std::string& path, const seal& s,
                             const file_description& description) {
  struct range {
    std::uint64_t begin, end;
  };
  std::vector<range> left_out{{s.places.seal, s.places.seal + seal_length()}};
  for (const stored_dataset& d : description.datasets()) {
    if (d.changes()) left_out.push_back({d.offset, d.offset + d.bytes()});
  }
  left_out.push_back({s.file_bytes, s.file_bytes});
  std::sort(left_out.begin(), left_out.end(), [](const range& a, const range& b) { return a.begin < b.begin; });
  constexpr std::uint64_t at_once = 1 << 20;
  std::vector<std::byte> buffer(at_once);
  checksum sum;
  std::uint64_t position = 0;
  for (const range& r : left_out) {
    while (position < r.begin) {
      const std::span<std::byte> part(buffer.data(), std::min(at_once, r.begin - position));
      read_exactly(file, path, position, part);
      sum.add(part);
      position += part.size();
    }
    position = std::max(position, r.end);
  }
  return sum.value();
}

}  // namespace detail

namespace {

const std::string seal_name = std::string(integrity_group) + "/seal";
const std::string description_name = std::string(integrity_group) + "/description";

void store_bytes(hdf5_file& file, const std::string& name, const std::string& text, const std::string& long_name) {
  file.create_dataset<std::uint8_t>(name, {text.size()}, 0);
  file.write<std::uint8_t>(name, std::vector<std::uint8_t>(text.begin(), text.end()));
  file.make_scale(name);
  file.set_attribute(name, "long_name", long_name);
  file.set_attribute(name, "units", std::string("1"));
}

}  // namespace

void reserve_seal(hdf5_file& file) {
  file.create_group(integrity_group);
  store_bytes(file, seal_name, std::string(detail::seal_length(), '\n'), "checksums of the file, a text in ASCII");
}

void store_description(hdf5_file& file, file_description& description) {
  for (stored_dataset& d : description.datasets()) d.offset = file.offset(d.name);
  store_bytes(file, description_name, description.to_text(), "what the file holds and where, a text in UTF-8");
}

seal_places find_places(const hdf5_file& file) {
  return {.seal = file.offset(seal_name),
          .description = file.offset(description_name),
          .description_bytes = file.shape(description_name).front()};
}

void seal_file(const std::string& path, file_kind kind, const seal_places& places,
               const file_description& description) {
  expects(places.seal + detail::seal_length() <= detail::head_bytes, "seal_file: the seal stands at byte {}",
          places.seal);
  descriptor file = open_descriptor(path, O_RDWR);
  if (!file) throw io_error(fmt::format("{}: cannot open the file ({})", path, reason()));
  const off_t end = lseek(file.get(), 0, SEEK_END);
  if (end < 0) throw io_error(fmt::format("{}: cannot be read ({})", path, reason()));
  detail::seal s{.kind = kind, .file_bytes = static_cast<std::uint64_t>(end), .places = places};
  s.description_checksum = detail::xxh64(description.to_text());
  s.fixed_checksum = detail::fixed_checksum(file, path, s, description);
  const std::string text = to_text(s);
  if (!write_at(file, std::as_bytes(std::span(text)), places.seal) || fsync(file.get()) != 0 || !file.close()) {
    throw io_error(fmt::format("{}: cannot write it to disk ({})", path, reason()));
  }
}

}  // namespace cotscale
