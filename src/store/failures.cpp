#include "cotscale/store/failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "cotscale/base/hash.hpp"

namespace cotscale {

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
  const auto path = [](const char* name) { return fmt::format("{}/{}", failures_group, name); };
  const std::vector<std::uint64_t> sums = file.read<std::uint64_t>(path("checksum"));
  const std::vector<std::int64_t> cells = file.read<std::int64_t>(path("cell"));
  const std::vector<std::uint8_t> texts = file.read<std::uint8_t>(path("message"));
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

std::size_t failure_table::damaged() const {
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), [](const entry& e) {
    const bool empty = e.checksum == 0 && e.content.cell == -1 && e.content.message.empty();
    return !empty && e.checksum != failure_being_written && e.checksum != failure_checksum(e.content);
  }));
}

}  // namespace cotscale
