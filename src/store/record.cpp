#include "cotscale/store/record.hpp"

#include <vector>

#include "cotscale/base/hash.hpp"

namespace cotscale {

std::span<const record_variable> record_variables() {
  using r = cell_record;
  static const std::vector<record_variable> table{
      {"attempt", &r::attempt, "attempts that came to an end"},
      {"rank", &r::rank, "MPI rank that computed the cell, -1 none"},
      // An integer: readers decode it to a time, which NaN is not.
      {"start_time", &r::start_time, "start of the computation", "milliseconds since 1970-01-01 00:00:00"},
      {"wall_seconds", &r::wall_seconds, "time that the cell took", "s"},
      {"training_seconds", &r::training_seconds, "time that its training took, where it is measured", "s"},
      {"tokens_per_second", &r::tokens_per_second, "rate of its training, where it is measured", "s-1"},
  };
  return table;
}

std::uint64_t record_checksum(cell_status status, const cell_record& record, std::uint64_t payload) {
  checksum sum;
  const auto add = [&](const auto& value) { sum.add(std::as_bytes(std::span(&value, 1))); };
  add(static_cast<std::int8_t>(status));
  for (const record_variable& v : record_variables()) {
    std::visit([&](auto member) { add(record.*member); }, v.member);
  }
  add(payload);
  return sum.value();
}

std::uint64_t record_bytes() {
  const cell_record empty;
  std::uint64_t bytes = sizeof(std::int8_t) + 2 * sizeof(std::uint64_t);
  for (const record_variable& v : record_variables()) {
    bytes += std::visit([&](auto member) { return sizeof(empty.*member); }, v.member);
  }
  return bytes;
}

}  // namespace cotscale
