#include <algorithm>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/store/results_file.hpp"
#include "raw_records.hpp"

namespace cotscale {
namespace {

sealed_file require_results(sealed_file file) {
  if (file.kind() == file_kind::results) return file;
  throw mismatch_error(
      fmt::format("{}: holds a selection of tasks, not the results of a sweep; name another file", file.path()));
}

}  // namespace

bool is_results_file(const std::string& path) {
  if (const std::optional<file_kind> kind = sealed_kind(path)) return *kind == file_kind::results;
  try {
    const hdf5_file file = hdf5_file::open_read(path);
    return has_our_title(file) && file.has("status");
  } catch (const io_error&) {
    return false;
  }
}

results_reader::results_reader(const std::string& path) : results_reader(sealed_file(path)) {}

results_reader::results_reader(sealed_file file)
    : file_(require_results(std::move(file))), cell_count_(file_.dataset("status").values()) {}

std::vector<std::string> results_reader::cell_dimensions() const {
  std::vector<std::string> names;
  for (const auto& [name, length] : file_.dataset("status").dimensions) names.push_back(name);
  return names;
}

std::vector<std::string> results_reader::own_dimensions(const std::string& variable) const {
  std::vector<std::string> names;
  const auto& dimensions = file_.dataset(dataset_of(variable)).dimensions;
  for (std::size_t i = file_.dataset("status").dimensions.size(); i < dimensions.size(); ++i) {
    names.push_back(dimensions[i].first);
  }
  return names;
}

std::vector<failure> results_reader::failures() const {
  const failure_table table(file_);
  const std::vector<cell_status> status = statuses();
  std::vector<failure> out;
  for (std::size_t i = 0; i < status.size(); ++i) {
    if (status[i] != cell_status::failed) continue;
    if (std::optional<failure> known = table.of_cell(i)) out.push_back(std::move(*known));
  }
  return out;
}

std::size_t results_reader::failures_without_message() const {
  const std::vector<cell_status> status = statuses();
  const auto failed = static_cast<std::size_t>(std::count(status.begin(), status.end(), cell_status::failed));
  return failed - std::min(failed, failures().size());  // a run may store more between the two
}

std::vector<cell_status> results_reader::statuses() const {
  const std::vector<std::int8_t> raw = file_.read<std::int8_t>("status");
  std::vector<cell_status> statuses(raw.size());
  std::transform(raw.begin(), raw.end(), statuses.begin(), [](std::int8_t s) {
    constexpr auto least = static_cast<std::int8_t>(cell_status::done),
                   most = static_cast<std::int8_t>(cell_status::not_asked);
    return s >= least && s <= most ? static_cast<cell_status>(s) : cell_status::pending;
  });
  return statuses;
}

std::vector<std::int32_t> results_reader::attempts() const {
  constexpr std::int32_t most = 1'000'000'000;  // of a record that may be damaged
  std::vector<std::int32_t> attempts = file_.read<std::int32_t>("attempt");
  for (std::int32_t& a : attempts) a = std::clamp(a, 0, most);
  return attempts;
}

std::vector<cell_identity> results_reader::identities() const {
  const std::vector<std::uint64_t> high = read<std::uint64_t>("identity_high"),
                                   low = read<std::uint64_t>("identity_low");
  std::vector<cell_identity> out;
  for (std::size_t i = 0; i < high.size(); ++i) out.push_back({.high = high[i], .low = low[i]});
  return out;
}

// With its group.
std::string results_reader::dataset_of(const std::string& variable) const {
  for (const stored_dataset& d : file_.description().datasets()) {
    if (d.role == dataset_role::payload && d.name.substr(d.name.rfind('/') + 1) == variable) return d.name;
  }
  return variable;
}

std::vector<double> results_reader::values_of_cell(const std::string& variable, std::size_t cell) const {
  if (cell >= cell_count_) throw io_error(fmt::format("{}: has no such cell", file_.path()));
  const std::string name = dataset_of(variable);
  const std::uint64_t each = file_.dataset(name).values() / cell_count_;
  if (file_.dataset(name).type != "float32") return file_.read<double>(name, cell * each, each);
  const std::vector<float> values = file_.read<float>(name, cell * each, each);
  return {values.begin(), values.end()};
}

std::vector<double> results_reader::first_steps(const std::string& variable, std::size_t most) const {
  const std::string name = dataset_of(variable);
  const std::size_t steps = file_.dataset(name).dimensions.back().second, kept = std::min(steps, most);
  const std::size_t rows = file_.dataset(name).values() / steps;
  constexpr std::size_t at_once = 100'000;  // values, so that a large file is not in memory as a whole
  const std::size_t rows_at_once = std::max<std::size_t>(1, at_once / steps);
  std::vector<double> first;
  first.reserve(rows * kept);
  for (std::size_t row = 0; row < rows; row += rows_at_once) {
    const std::vector<double> part = file_.read<double>(name, row * steps, std::min(rows_at_once, rows - row) * steps);
    for (auto from = part.begin(); from < part.end(); from += static_cast<std::ptrdiff_t>(steps)) {
      first.insert(first.end(), from, from + static_cast<std::ptrdiff_t>(kept));
    }
  }
  return first;
}

std::vector<std::uint64_t> results_reader::payload_checksums(std::size_t first, std::size_t count) const {
  std::vector<checksum> sums(count);
  std::vector<std::byte> bytes;
  // What consecutive cells write into a variable is contiguous.
  for (const stored_dataset& dataset : file_.description().datasets()) {
    if (dataset.role != dataset_role::payload) continue;
    const std::size_t each = dataset.bytes() / cell_count_;
    bytes.resize(each * count);
    file_.read_bytes(dataset, first * each, bytes);
    for (std::size_t i = 0; i < count; ++i) sums[i].add(std::span(bytes).subspan(i * each, each));
  }
  std::vector<std::uint64_t> values(count);
  std::transform(sums.begin(), sums.end(), values.begin(), [](const checksum& sum) { return sum.value(); });
  return values;
}

std::vector<std::size_t> results_reader::damaged_now(const std::vector<std::size_t>& among) const {
  constexpr std::size_t most_bytes = 16 << 20;  // of cells that are read at once
  std::size_t cell_bytes = 1;
  for (const stored_dataset& d : file_.description().datasets()) {
    if (d.role == dataset_role::payload) cell_bytes += d.bytes() / cell_count_;
  }
  const std::size_t at_once = std::max<std::size_t>(1, most_bytes / cell_bytes);
  const detail::raw_records records(file_);
  std::vector<std::size_t> damaged;
  for (std::size_t i = 0; i < among.size();) {
    if (!records.is_sound(among[i])) damaged.push_back(among[i]);
    if (!records.is_sound(among[i]) || records.status(among[i]) != cell_status::done) {
      ++i;
      continue;
    }
    // Neighbours that are done and sound so far are read together.
    std::size_t count = 1;
    while (count < at_once && i + count < among.size() && among[i + count] == among[i] + count &&
           records.status(among[i + count]) == cell_status::done && records.is_sound(among[i + count])) {
      ++count;
    }
    const std::vector<std::uint64_t> sums = payload_checksums(among[i], count);
    for (std::size_t j = 0; j < count; ++j) {
      if (sums[j] != records.payload_checksum(among[i + j])) damaged.push_back(among[i + j]);
    }
    i += count;
  }
  return damaged;
}

std::vector<std::size_t> results_reader::damaged_cells() const {
  std::vector<std::size_t> cells(cell_count_);
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = i;
  // A cell that a run stores between two of our reads looks damaged, but not the next time.
  constexpr int looks = 3;
  for (int look = 0; look < looks && !cells.empty(); ++look) cells = damaged_now(cells);
  return cells;
}

}  // namespace cotscale
