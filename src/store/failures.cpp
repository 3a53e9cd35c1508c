#include "cotscale/store/failures.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"

namespace cotscale {
namespace {

std::string path_of(const char* name) { return fmt::format("{}/{}", failures_group, name); }

}  // namespace

std::vector<std::uint8_t> failure_text(const std::string& message) {
  const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(message[at]) & 0xC0U) == 0x80U; };
  std::size_t length = std::min(message.size(), failure_bytes);
  while (length > 0 && length < message.size() && continues(length)) --length;
  std::vector<std::uint8_t> text(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(length));
  text.resize(failure_bytes, 0);
  return text;
}

std::uint64_t failure_checksum(const failure& entry) {
  checksum sum;
  sum.add(std::as_bytes(std::span(&entry.cell, 1)));
  const std::vector<std::uint8_t> text = failure_text(entry.message);
  sum.add(std::as_bytes(std::span(text)));
  return sum.value();
}

failure_table::failure_table(const sealed_file& file) : entries_(most_failures) {
  const std::vector<std::uint64_t> sums = file.read<std::uint64_t>(path_of("checksum"));
  const std::vector<std::int64_t> cells = file.read<std::int64_t>(path_of("cell"));
  const std::vector<std::uint8_t> texts = file.read<std::uint8_t>(path_of("message"));
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::string text(texts.begin() + static_cast<std::ptrdiff_t>(i * failure_bytes),
                     texts.begin() + static_cast<std::ptrdiff_t>((i + 1) * failure_bytes));
    while (!text.empty() && text.back() == '\0') text.pop_back();
    entries_[i] = {{cells[i], std::move(text)}, sums[i]};
  }
}

std::optional<std::size_t> failure_table::entry_of(std::size_t cell) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const entry& e) { return e.content.cell == static_cast<std::int64_t>(cell); });
  if (found == entries_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - entries_.begin());
}

std::optional<failure> failure_table::of_cell(std::size_t cell) const {
  const std::optional<std::size_t> at = entry_of(cell);
  if (!at || entries_[*at].checksum != failure_checksum(entries_[*at].content)) return std::nullopt;
  return entries_[*at].content;
}

std::vector<std::size_t> failure_table::free_entries(const std::vector<cell_status>& status) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const auto cell = static_cast<std::size_t>(entries_[i].content.cell);
    if (cell >= status.size() || status[cell] != cell_status::failed) out.push_back(i);
  }
  return out;
}

std::vector<std::size_t> failure_table::damaged() const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const entry& e = entries_[i];
    const bool empty = e.checksum == 0 && e.content.cell == -1 && e.content.message.empty();
    const bool sound = empty || e.checksum == failure_being_written || e.checksum == failure_checksum(e.content);
    if (!sound) out.push_back(i);
  }
  return out;
}

std::size_t clear_damaged_failures(const std::string& path) {
  const sealed_file file(path);
  const std::vector<std::size_t> damaged = failure_table(file).damaged();
  if (damaged.empty()) return 0;
  descriptor out = open_descriptor(path, O_RDWR);
  if (!out) throw io_error(fmt::format("{}: cannot open the file for writing ({})", path, reason()));
  const std::vector<std::byte> zeros(failure_bytes), no_cell(sizeof(std::int64_t), std::byte{0xff});
  const auto put = [&](const char* name, std::size_t entry, std::span<const std::byte> bytes) {
    const std::uint64_t offset = file.dataset(path_of(name)).offset + entry * bytes.size();
    if (!write_at(out, bytes, offset)) throw io_error(fmt::format("{}: cannot write {} ({})", path, name, reason()));
  };
  for (const std::size_t entry : damaged) {
    put("cell", entry, no_cell);
    put("message", entry, zeros);
    put("checksum", entry, std::span(zeros).first(sizeof(std::uint64_t)));
  }
  if (fdatasync(out.get()) != 0 || !out.close()) {
    throw io_error(fmt::format("{}: cannot write to disk ({})", path, reason()));
  }
  return damaged.size();
}

}  // namespace cotscale
