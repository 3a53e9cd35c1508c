#include "raw_records.hpp"

#include <cstring>
#include <span>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"

namespace cotscale::detail {

raw_records::raw_records(const sealed_file& file)
    : stored_(file.read<std::uint64_t>("record_checksum")), status_(file.read<std::int8_t>("status")) {
  for (const record_variable& v : record_variables()) add_column(file, std::string(v.name));
  add_column(file, "checksum");
}

std::uint64_t raw_records::payload_checksum(std::size_t cell) const {
  std::uint64_t sum = 0;
  std::memcpy(&sum, columns_.back().data() + cell * sizeof(sum), sizeof(sum));
  return sum;
}

bool raw_records::is_sound(std::size_t cell) const {
  const std::uint64_t stored = stored_[cell];
  const auto is_of = [&](cell_status s) { return stored == checksum_as(cell, s); };
  switch (status(cell)) {
    case cell_status::pending:
      return !is_of(cell_status::done) && !is_of(cell_status::failed) && !is_of(cell_status::not_asked);
    case cell_status::done:
      return is_of(cell_status::done) || is_of(cell_status::pending);
    case cell_status::failed:
      return is_of(cell_status::failed) || is_of(cell_status::pending) || stored == record_being_written;
    case cell_status::not_asked:
      return is_of(cell_status::not_asked);
  }
  return false;
}

void raw_records::add_column(const sealed_file& file, const std::string& name) {
  const stored_dataset& dataset = file.dataset(name);
  columns_.emplace_back(dataset.bytes());
  file.read_bytes(dataset, 0, columns_.back());
  expects(columns_.back().size() % status_.size() == 0, "{} has {} bytes for {} cells", name, dataset.bytes(),
          status_.size());
}

std::uint64_t raw_records::checksum_as(std::size_t cell, cell_status s) const {
  checksum sum;
  const auto byte = static_cast<std::int8_t>(s);
  sum.add(std::as_bytes(std::span(&byte, 1)));
  for (const std::vector<std::byte>& column : columns_) {
    const std::size_t each = column.size() / status_.size();
    sum.add(std::span(column).subspan(cell * each, each));
  }
  return sum.value();
}

}  // namespace cotscale::detail
