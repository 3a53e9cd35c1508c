// The records of all cells as they stand in a results file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cotscale/store/record.hpp"
#include "cotscale/store/sealed_file.hpp"

namespace cotscale::detail {

class raw_records {
 public:
  explicit raw_records(const sealed_file& file);

  cell_status status(std::size_t cell) const { return static_cast<cell_status>(status_[cell]); }
  std::uint64_t payload_checksum(std::size_t cell) const;
  /// Whether the record is one that a run has left or is writing (docs/results-layout.md, "Checksums").
  bool is_sound(std::size_t cell) const;

 private:
  void add_column(const sealed_file& file, const std::string& name);
  std::uint64_t checksum_as(std::size_t cell, cell_status s) const;

  // What is read first is what a run writes last.
  std::vector<std::uint64_t> stored_;
  std::vector<std::int8_t> status_;
  std::vector<std::vector<std::byte>> columns_;
};

}  // namespace cotscale::detail
