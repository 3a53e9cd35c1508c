#include <algorithm>
#include <cstring>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale {
namespace {

std::vector<weight_variable> read_weight_variables(const sealed_file& file) {
  std::vector<weight_variable> weights;
  for (const std::string& name : file.description().texts(std::string(weights_group) + "/parameter")) {
    weight_variable weight{.name = name, .shape = {}};
    const auto& dimensions = file.dataset(path_of(weight)).dimensions;
    for (std::size_t i = cell_axes.size(); i < dimensions.size(); ++i) {
      weight.dimensions.push_back(dimensions[i].first);
      weight.shape.push_back(dimensions[i].second);
    }
    weights.push_back(std::move(weight));
  }
  return weights;
}

coordinates read_coordinates(const sealed_file& file) {
  const auto texts = [&](axis a) { return file.description().texts(path_of(a)); };
  const auto integers = [&](axis a) {
    const bool there = file.description().find(path_of(a)) != nullptr;
    return there ? file.read<std::int64_t>(path_of(a)) : std::vector<std::int64_t>();
  };
  return {.models = texts(axis::model),
          .mixtures = texts(axis::mixture),
          .hardness = file.read<double>(path_of(axis::hardness)),
          .target_support_hardness = file.read<double>("target_support_hardness"),
          .n = integers(axis::n),
          .repeats = integers(axis::repeat),
          .m = integers(axis::m),
          .k = integers(axis::k),
          .training_steps = integers(axis::training_step),
          .baselines = texts(axis::baseline),
          .tasks = texts(axis::task),
          .rows = integers(axis::row),
          .weights = read_weight_variables(file)};
}

sealed_file require_results(sealed_file file) {
  if (file.kind() == file_kind::results) return file;
  throw mismatch_error(
      fmt::format("{}: holds a selection of tasks, not the results of a sweep; name another file", file.path()));
}

// The records of all cells as they stand in the file.
class raw_records {
 public:
  raw_records(const sealed_file& file, std::size_t cells)
      : stored_(file.read<std::uint64_t>("record_checksum")), status_(file.read<std::int8_t>("status")) {
    for (const record_variable& v : record_variables()) add_column(file, std::string(v.name), cells);
    add_column(file, "checksum", cells);
  }

  cell_status status(std::size_t cell) const { return static_cast<cell_status>(status_[cell]); }

  std::uint64_t payload_checksum(std::size_t cell) const {
    std::uint64_t sum = 0;
    std::memcpy(&sum, columns_.back().data() + cell * sizeof(sum), sizeof(sum));
    return sum;
  }

  // Whether the record is one that a run has left or is writing (docs/results-layout.md, "Checksums").
  bool is_sound(std::size_t cell) const {
    const std::uint64_t stored = stored_[cell];
    const auto is_of = [&](cell_status s) { return stored == checksum_as(cell, s); };
    switch (status(cell)) {
      case cell_status::pending:
        return !is_of(cell_status::done) && !is_of(cell_status::failed);
      case cell_status::done:
        return is_of(cell_status::done) || is_of(cell_status::pending);
      case cell_status::failed:
        return is_of(cell_status::failed) || is_of(cell_status::pending) || stored == record_being_written;
    }
    return false;
  }

 private:
  void add_column(const sealed_file& file, const std::string& name, std::size_t cells) {
    const stored_dataset& dataset = file.dataset(name);
    columns_.emplace_back(dataset.bytes());
    file.read_bytes(dataset, 0, columns_.back());
    expects(columns_.back().size() % cells == 0, "{} has {} bytes for {} cells", name, dataset.bytes(), cells);
  }

  std::uint64_t checksum_as(std::size_t cell, cell_status s) const {
    checksum sum;
    const auto byte = static_cast<std::int8_t>(s);
    sum.add(std::as_bytes(std::span(&byte, 1)));
    for (const std::vector<std::byte>& column : columns_) {
      const std::size_t each = column.size() / status_.size();
      sum.add(std::span(column).subspan(cell * each, each));
    }
    return sum.value();
  }

  // What is read first is what a run writes last.
  std::vector<std::uint64_t> stored_;
  std::vector<std::int8_t> status_;
  std::vector<std::vector<std::byte>> columns_;
};

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
    : file_(require_results(std::move(file))), grid_(read_coordinates(file_)) {}

std::vector<cell_status> results_reader::statuses() const {
  const std::vector<std::int8_t> raw = file_.read<std::int8_t>("status");
  std::vector<cell_status> statuses(raw.size());
  std::transform(raw.begin(), raw.end(), statuses.begin(), [](std::int8_t s) {
    const bool known =
        s == static_cast<std::int8_t>(cell_status::done) || s == static_cast<std::int8_t>(cell_status::failed);
    return known ? static_cast<cell_status>(s) : cell_status::pending;
  });
  return statuses;
}

std::vector<std::int32_t> results_reader::attempts() const {
  constexpr std::int32_t most = 1'000'000'000;  // of a record that may be damaged
  std::vector<std::int32_t> attempts = file_.read<std::int32_t>("attempt");
  for (std::int32_t& a : attempts) a = std::clamp(a, 0, most);
  return attempts;
}

std::string results_reader::dataset_of(const std::string& variable) const {
  for (const payload_variable& v : payload_variables()) {
    if (v.name == variable) return path_of(v);
  }
  return variable;
}

std::vector<double> results_reader::cell_values(const std::string& variable, const cell_position& cell) const {
  for (std::size_t i = 0; i < cell.size(); ++i) {
    if (cell[i] >= grid_.length(cell_axes[i])) throw io_error(fmt::format("{}: has no such cell", file_.path()));
  }
  const std::string name = dataset_of(variable);
  const std::uint64_t each = file_.dataset(name).values() / grid_.cell_count();
  const std::uint64_t first = cell_number(grid_, cell) * each;
  if (file_.dataset(name).type != "float32") return file_.read<double>(name, first, each);
  const std::vector<float> values = file_.read<float>(name, first, each);
  return {values.begin(), values.end()};
}

std::vector<double> results_reader::first_steps(const std::string& variable, std::size_t most) const {
  const std::string name = dataset_of(variable);
  const std::size_t steps = grid_.k.size(), kept = std::min(steps, most);
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
  const auto add = [&](const std::string& name) {
    const stored_dataset& dataset = file_.dataset(name);
    const std::size_t each = dataset.bytes() / grid_.cell_count();
    bytes.resize(each * count);
    file_.read_bytes(dataset, first * each, bytes);
    for (std::size_t i = 0; i < count; ++i) sums[i].add(std::span(bytes).subspan(i * each, each));
  };
  for (const payload_variable& v : payload_variables()) {
    if (is_present(v, grid_)) add(path_of(v));
  }
  for (const weight_variable& weight : grid_.weights) add(path_of(weight));
  std::vector<std::uint64_t> values(count);
  std::transform(sums.begin(), sums.end(), values.begin(), [](const checksum& sum) { return sum.value(); });
  return values;
}

std::vector<std::size_t> results_reader::damaged_now(const std::vector<std::size_t>& among) const {
  constexpr std::size_t most_bytes = 16 << 20;  // of cells that are read at once
  const std::size_t at_once = std::max<std::size_t>(1, most_bytes / (payload_bytes(grid_) / grid_.cell_count()));
  const raw_records records(file_, grid_.cell_count());
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
  std::vector<std::size_t> cells(grid_.cell_count());
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = i;
  // A cell that a run stores between two of our reads looks damaged, but not the next time.
  constexpr int looks = 3;
  for (int look = 0; look < looks && !cells.empty(); ++look) cells = damaged_now(cells);
  return cells;
}

}  // namespace cotscale
