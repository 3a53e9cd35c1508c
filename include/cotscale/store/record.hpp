// How a cell was computed: its record in a results file, which is no part of its payload.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <variant>

namespace cotscale {

/// `not_asked`: the sweep has no such cell, since its model does not depend on where it stands along an axis. It is
/// never computed, and no count has it.
enum class cell_status : std::int8_t { pending = 0, done = 1, failed = 2, not_asked = 3 };

struct cell_record {
  std::int32_t attempt = 0;
  std::int32_t rank = -1;
  std::int64_t start_time = 0;  ///< milliseconds since 1970-01-01 UTC
  double wall_seconds = std::numeric_limits<double>::quiet_NaN();
  /// NaN where it was not measured; with a training that cells share, that of the first.
  double training_seconds = std::numeric_limits<double>::quiet_NaN();
  double tokens_per_second = std::numeric_limits<double>::quiet_NaN();  ///< of its training
};

/// One variable of a cell's record: where it is in a cell_record, and how it is described in the file. A cell that is
/// not computed has that of an empty cell_record.
struct record_variable {
  using field = std::variant<std::int32_t cell_record::*, std::int64_t cell_record::*, double cell_record::*>;
  std::string_view name;
  field member;
  std::string_view long_name;
  std::string_view units = "1";
};

/// In the order of the record's checksum.
std::span<const record_variable> record_variables();

/// XXH64 of a cell's record: `status`, the variables of the record, and the checksum of its payload.
std::uint64_t record_checksum(cell_status status, const cell_record& record, std::uint64_t payload);

/// In place of a record's checksum while the record is being written.
inline constexpr std::uint64_t record_being_written = 1;

/// Bytes of a cell's record in the file, with its status and both checksums.
std::uint64_t record_bytes();

}  // namespace cotscale
