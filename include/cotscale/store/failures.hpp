// Why cells failed: a table of fixed size in a results file (docs/results-layout.md, "Failures").
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cotscale/store/record.hpp"
#include "cotscale/store/sealed_file.hpp"

namespace cotscale {

inline constexpr std::size_t most_failures = 1000, failure_bytes = 512;
inline constexpr std::string_view failures_group = "failures";

/// In place of an entry's checksum while it is being written.
inline constexpr std::uint64_t failure_being_written = 0x6265696e67207772;

struct failure {
  std::int64_t cell = -1;  ///< its number; −1: the entry is empty
  std::string message;
};

/// XXH64 of an entry: its cell, and the message filled up with zeros to failure_bytes. Cuts messages that are longer.
std::uint64_t failure_checksum(const failure& entry);
/// The message as it stands in the file: cut between two characters, filled up with zeros.
std::vector<std::uint8_t> failure_text(const std::string& message);

/// The table of a file, as it stands there.
class failure_table {
 public:
  explicit failure_table(const sealed_file& file);

  /// The entry of a cell, if it is whole.
  std::optional<failure> of_cell(std::size_t cell) const;
  std::optional<std::size_t> entry_of(std::size_t cell) const;
  /// Entries of no cell that is failed now, ascending.
  std::vector<std::size_t> free_entries(const std::vector<cell_status>& status) const;
  /// Entries that are not as a run has left them, wherever it was killed.
  std::vector<std::size_t> damaged() const;

 private:
  struct entry {
    failure content;
    std::uint64_t checksum = 0;
  };
  std::vector<entry> entries_;
};

/// Empties the entries that are damaged, before a run writes the file; returns their number. Throws io_error.
std::size_t clear_damaged_failures(const std::string& path);

}  // namespace cotscale
