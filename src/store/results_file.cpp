#include "cotscale/store/results_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <numeric>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/store/new_file.hpp"

namespace cotscale {
namespace {

constexpr const char* our_title = "cotscale";
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::string reason() { return std::strerror(errno); }

extents shape_of(const coordinates& grid, std::span<const axis> axes) {
  extents shape;
  for (const axis a : axes) shape.push_back(grid.length(a));
  return shape;
}

std::vector<axis> all_axes(const std::vector<axis>& own_axes) {
  std::vector<axis> axes(cell_axes.begin(), cell_axes.end());
  axes.insert(axes.end(), own_axes.begin(), own_axes.end());
  return axes;
}

int open_descriptor(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) throw io_error(fmt::format("{}: cannot open the file ({})", path, reason()));
  return fd;
}

class layout_writer {
 public:
  layout_writer(hdf5_file& file, const coordinates& grid) : file_(file), grid_(grid) {}

  void write_coordinates() {
    strings(axis::model, grid_.models, "model");
    strings(axis::mixture, grid_.mixtures, "training mixture");
    numbers<double>(axis::hardness, grid_.hardness, nan, "tr(Sigma)/lambda_min(Sigma) of the target");
    numbers<std::int64_t>(axis::n, grid_.n, 0, "examples in a training prompt");
    numbers<std::int64_t>(axis::repeat, grid_.repeats, 0, "repeat");
    numbers<std::int64_t>(axis::m, grid_.m, 0, "examples in a test prompt");
    numbers<std::int64_t>(axis::k, grid_.k, 0, "steps of the chain of thought");
    numbers<std::int64_t>(axis::training_step, grid_.training_steps, 0, "steps of training");
    if (!grid_.baselines.empty()) strings(axis::baseline, grid_.baselines, "baseline");
    if (!grid_.tasks.empty()) strings(axis::task, grid_.tasks, "candidate task");
    if (!grid_.rows.empty()) {
      numbers<std::int64_t>(axis::row, grid_.rows, 0, "row of V and W");
      numbers<std::int64_t>(axis::column, grid_.rows, 0, "column of V and W");
    }
    if (!grid_.weights.empty()) write_weight_coordinates();
  }

  void create_variables() {
    for (const payload_variable& v : payload_variables()) {
      if (!is_present(v, grid_)) continue;
      const std::vector<axis> axes = all_axes(v.own_axes);
      struct creator {
        layout_writer& self;
        const payload_variable& v;
        const std::vector<axis>& axes;
        void operator()(std::vector<double> cell_result::*) const {
          self.variable<double>(v.name, axes, nan, v.long_name);
        }
        void operator()(std::vector<std::int64_t> cell_result::*) const {
          self.variable<std::int64_t>(v.name, axes, -1, v.long_name);
        }
        void operator()(double cell_result::*) const { self.variable<double>(v.name, axes, nan, v.long_name); }
        void operator()(std::int64_t cell_result::*) const {
          self.variable<std::int64_t>(v.name, axes, -1, v.long_name);
        }
        void operator()(std::int8_t cell_result::*) const { self.variable<std::int8_t>(v.name, axes, -1, v.long_name); }
      };
      std::visit(creator{*this, v, axes}, v.member);
    }
    flags("converged", {-1, 0, 1}, "not_computed no yes");
    const std::vector<axis> cell(cell_axes.begin(), cell_axes.end());
    variable<std::int8_t>("status", cell, 0, "status of the cell");
    flags("status", {0, 1, 2}, "pending done failed");
    variable<std::int32_t>("attempt", cell, 0, "attempts that came to an end");
    variable<std::int32_t>("rank", cell, -1, "MPI rank that computed the cell");
    variable<double>("start_time", cell, nan, "start of the computation", "seconds since 1970-01-01 00:00:00");
    variable<double>("wall_seconds", cell, nan, "time that the cell took", "s");
    variable<double>("training_seconds", cell, nan, "time that its training took, of GPT-2", "s");
    variable<double>("tokens_per_second", cell, nan, "rate of its training, of GPT-2", "s-1");
    variable<std::uint64_t>("checksum", cell, 0, "XXH64 of the payload");
    for (const weight_variable& weight : grid_.weights) create_weight(weight);
    variable<double>("target_support_hardness", {axis::hardness}, nan,
                     "tr(Sigma)/smallest non-zero eigenvalue of the target");
    file_.write<double>("target_support_hardness", grid_.target_support_hardness);
  }

 private:
  // Of a vector, or of the rows of a matrix; of its columns: readers cannot tell equal names apart.
  static std::string size_name(std::size_t dimension, std::uint64_t size) {
    return fmt::format("{}_{}", dimension == 0 ? "size" : "column", size);
  }

  // The names, and a dimension for each length that occurs.
  void write_weight_coordinates() {
    std::vector<std::string> names;
    std::map<std::string, std::uint64_t> sizes;
    for (const weight_variable& weight : grid_.weights) {
      names.push_back(weight.name);
      for (std::size_t i = 0; i < weight.shape.size(); ++i) sizes[size_name(i, weight.shape[i])] = weight.shape[i];
    }
    strings("weight", names, "parameter of a transformer");
    for (const auto& [dimension, size] : sizes) {
      std::vector<std::int64_t> indices(size);
      std::iota(indices.begin(), indices.end(), 0);
      numbers<std::int64_t>(dimension, indices, 0, "index into a parameter");
    }
  }

  void create_weight(const weight_variable& weight) {
    extents shape = shape_of(grid_, cell_axes);
    shape.insert(shape.end(), weight.shape.begin(), weight.shape.end());
    file_.create_dataset<float>(weight.name, shape, std::numeric_limits<float>::quiet_NaN());
    for (unsigned i = 0; i < shape.size(); ++i) {
      file_.attach_scale(
          weight.name, i,
          i < cell_axes.size() ? std::string(name(cell_axes[i])) : size_name(i - cell_axes.size(), shape[i]));
    }
    describe(weight.name, "parameter after training", "1");
  }

  void describe(std::string_view variable, std::string_view long_name, std::string_view units) {
    file_.set_attribute(std::string(variable), "long_name", std::string(long_name));
    file_.set_attribute(std::string(variable), "units", std::string(units));
  }

  void strings(axis a, const std::vector<std::string>& values, std::string_view long_name) {
    strings(std::string(name(a)), values, long_name);
  }

  void strings(const std::string& dataset, const std::vector<std::string>& values, std::string_view long_name) {
    file_.create_strings(dataset, {values.size()}, values);
    file_.make_scale(dataset);
    file_.set_attribute(dataset, "long_name", std::string(long_name));
  }

  template<class T>
  void numbers(axis a, const std::vector<T>& values, T fill, std::string_view long_name) {
    numbers<T>(std::string(name(a)), values, fill, long_name);
  }

  template<class T>
  void numbers(const std::string& dataset, const std::vector<T>& values, T fill, std::string_view long_name) {
    file_.create_dataset<T>(dataset, {values.size()}, fill);
    file_.write<T>(dataset, values);
    file_.make_scale(dataset);
    describe(dataset, long_name, "1");
  }

  template<class T>
  void variable(std::string_view variable_name, const std::vector<axis>& axes, T fill, std::string_view long_name,
                std::string_view units = "1") {
    const std::string dataset(variable_name);
    file_.create_dataset<T>(dataset, shape_of(grid_, axes), fill);
    for (unsigned i = 0; i < axes.size(); ++i) file_.attach_scale(dataset, i, std::string(name(axes[i])));
    describe(dataset, long_name, units);
  }

  void flags(const std::string& variable, const std::vector<std::int8_t>& values, const std::string& meanings) {
    file_.set_attribute(variable, "flag_values", values);
    file_.set_attribute(variable, "flag_meanings", meanings);
  }

  hdf5_file& file_;
  const coordinates& grid_;
};

bool is_ours(const hdf5_file& file) {
  return file.has_attribute("/", "schema_version") && file.has_attribute("/", "title") &&
         file.text_attribute("/", "title").rfind(our_title, 0) == 0 && file.has("status");
}

hdf5_file open_ours(const std::string& path) {
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(path, failure);
  if (status.type() == std::filesystem::file_type::not_found) throw io_error(fmt::format("{}: no such file", path));
  if (failure) throw io_error(fmt::format("{}: cannot be read ({})", path, failure.message()));
  if (!std::filesystem::is_regular_file(status)) throw io_error(fmt::format("{}: not a file", path));
  hdf5_file file = [&] {
    try {
      return hdf5_file::open_read(path);
    } catch (const io_error& e) {
      throw io_error(fmt::format("{}\n  The file is truncated, damaged or not HDF5; move it away, or name another file",
                                 e.what()));
    }
  }();
  if (!is_ours(file)) {
    throw mismatch_error(fmt::format("{}: an HDF5 file, but not a results file of cotscale; name another file", path));
  }
  if (const std::int64_t version = file.integer_attribute("/", "schema_version"); version != schema_version) {
    throw mismatch_error(
        fmt::format("{}: a results file of schema version {}, and this cotscale reads and writes version {}; use the "
                    "cotscale that wrote "
                    "it, or name another file",
                    path, version, schema_version));
  }
  return file;
}

std::vector<weight_variable> read_weight_variables(const hdf5_file& file) {
  std::vector<weight_variable> weights;
  if (!file.has("weight")) return weights;
  for (const std::string& weight : file.read_strings("weight")) {
    const extents shape = file.shape(weight);
    weights.push_back({.name = weight, .shape = {shape.begin() + cell_axes.size(), shape.end()}});
  }
  return weights;
}

coordinates read_coordinates(const hdf5_file& file) {
  return {.models = file.read_strings("model"),
          .mixtures = file.read_strings("mixture"),
          .hardness = file.read<double>("hardness"),
          .target_support_hardness = file.read<double>("target_support_hardness"),
          .n = file.read<std::int64_t>("n"),
          .repeats = file.read<std::int64_t>("repeat"),
          .m = file.read<std::int64_t>("m"),
          .k = file.read<std::int64_t>("k"),
          .training_steps = file.read<std::int64_t>("training_step"),
          .baselines = file.has("baseline") ? file.read_strings("baseline") : std::vector<std::string>(),
          .tasks = file.has("task") ? file.read_strings("task") : std::vector<std::string>(),
          .rows = file.has("row") ? file.read<std::int64_t>("row") : std::vector<std::int64_t>(),
          .weights = read_weight_variables(file)};
}

}  // namespace

void create_results(const std::string& path, const coordinates& grid, const std::string& config_toml,
                    const provenance& attributes) {
  create_file(path, payload_bytes(grid), attributes, config_toml, [&](hdf5_file& file) {
    layout_writer layout(file, grid);
    layout.write_coordinates();
    layout.create_variables();
  });
}

bool is_results_file(const std::string& path) {
  try {
    return is_ours(hdf5_file::open_read(path));
  } catch (const io_error&) {
    return false;
  }
}

results_reader::results_reader(const std::string& path) : file_(open_ours(path)), grid_(read_coordinates(file_)) {}

std::vector<cell_status> results_reader::statuses() const {
  const std::vector<std::int8_t> raw = file_.read<std::int8_t>("status");
  std::vector<cell_status> statuses(raw.size());
  std::transform(raw.begin(), raw.end(), statuses.begin(), [](std::int8_t s) { return static_cast<cell_status>(s); });
  return statuses;
}

std::vector<double> results_reader::cell_values(const std::string& variable, const cell_position& cell) const {
  extents count = file_.shape(variable);
  extents start(count.size(), 0);
  std::copy(cell.begin(), cell.end(), start.begin());
  std::fill_n(count.begin(), cell.size(), 1);
  return file_.read_block<double>(variable, start, count);
}

std::vector<double> results_reader::first_z_scores() const {
  extents shape = file_.shape("z_score");
  shape.back() = std::min<std::uint64_t>(shape.back(), theory_steps);
  return file_.read_block<double>("z_score", extents(shape.size(), 0), shape);
}

// Checksums of the stored payloads of `count` cells, of consecutive n and repeats, from `first` on.
std::vector<std::uint64_t> results_reader::payload_checksums(const cell_position& first, std::uint64_t n_count,
                                                             std::uint64_t repeat_count) const {
  std::vector<checksum> sums(n_count * repeat_count);
  for (const payload_variable& v : payload_variables()) {
    if (!is_present(v, grid_)) continue;
    extents start(first.begin(), first.end());
    extents count{1, 1, 1, n_count, repeat_count};
    for (const axis a : v.own_axes) {
      start.push_back(0);
      count.push_back(grid_.length(a));
    }
    const auto add = [&](const auto& values) {
      const std::size_t each = values.size() / sums.size();
      for (std::size_t i = 0; i < sums.size(); ++i)
        sums[i].add(std::as_bytes(std::span(values).subspan(i * each, each)));
    };
    const std::string dataset(v.name);
    if (std::holds_alternative<std::int64_t cell_result::*>(v.member) ||
        std::holds_alternative<std::vector<std::int64_t> cell_result::*>(v.member)) {
      add(file_.read_block<std::int64_t>(dataset, start, count));
    } else if (std::holds_alternative<std::int8_t cell_result::*>(v.member)) {
      add(file_.read_block<std::int8_t>(dataset, start, count));
    } else {
      add(file_.read_block<double>(dataset, start, count));
    }
  }
  for (const weight_variable& weight : grid_.weights) {
    extents start(first.begin(), first.end()), count{1, 1, 1, n_count, repeat_count};
    start.resize(start.size() + weight.shape.size(), 0);
    count.insert(count.end(), weight.shape.begin(), weight.shape.end());
    const std::vector<float> values = file_.read_block<float>(weight.name, start, count);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i].add(std::as_bytes(std::span(values).subspan(i * weight.size(), weight.size())));
    }
  }
  std::vector<std::uint64_t> values(sums.size());
  std::transform(sums.begin(), sums.end(), values.begin(), [](const checksum& sum) { return sum.value(); });
  return values;
}

std::vector<std::size_t> results_reader::damaged_cells() const {
  constexpr std::size_t most_bytes = 16 << 20;  // of a block of cells that is read at once
  const std::vector<cell_status> status = statuses();
  const std::vector<std::uint64_t> stored = file_.read<std::uint64_t>("checksum");
  const std::size_t cell_bytes = payload_bytes(grid_) / grid_.cell_count();
  const std::size_t repeats = grid_.repeats.size();
  const std::size_t at_once = std::clamp<std::size_t>(most_bytes / cell_bytes, 1, grid_.n.size() * repeats);
  std::vector<std::size_t> damaged;
  // Blocks of whole rows of repeats where they fit, else parts of a row: contiguous either way.
  for (std::size_t first = 0; first < status.size();) {
    const cell_position corner = position_of(grid_, first);
    const bool rows = corner[4] == 0 && at_once >= repeats;
    const std::size_t n_count = rows ? std::min(at_once / repeats, grid_.n.size() - corner[3]) : 1;
    const std::size_t repeat_count = rows ? repeats : std::min(at_once, repeats - corner[4]);
    const std::size_t cells = n_count * repeat_count;
    const auto is_done = [&](std::size_t i) { return status[i] == cell_status::done; };
    bool any_done = false;
    for (std::size_t i = first; i < first + cells; ++i) any_done = any_done || is_done(i);
    if (any_done) {
      const std::vector<std::uint64_t> sums = payload_checksums(corner, n_count, repeat_count);
      for (std::size_t i = 0; i < cells; ++i) {
        if (is_done(first + i) && sums[i] != stored[first + i]) damaged.push_back(first + i);
      }
    }
    first += cells;
  }
  return damaged;
}

results_writer::results_writer(const std::string& path, coordinates grid, const communicator& all)
    : grid_(std::move(grid)), descriptor_(open_descriptor(path)), file_(hdf5_file::open_shared(path, all)) {}

results_writer::~results_writer() { ::close(descriptor_); }

void results_writer::mark_pending(const cell_position& cell) {
  put(cell, "status", static_cast<std::int8_t>(cell_status::pending));
}

void results_writer::add(const cell_position& cell, cell_result result, const cell_record& record) {
  if (waiting_.empty()) oldest_ = std::chrono::steady_clock::now();
  waiting_bytes_ += result.weights.size() * sizeof(float);
  waiting_.push_back({cell, cell_status::done, std::move(result), record});
}

void results_writer::add_failed(const cell_position& cell, const cell_record& record) {
  if (waiting_.empty()) oldest_ = std::chrono::steady_clock::now();
  waiting_.push_back({cell, cell_status::failed, {}, record});
}

std::chrono::duration<double> results_writer::oldest() const {
  if (waiting_.empty()) return {};
  return std::chrono::steady_clock::now() - oldest_;
}

template<class T>
void results_writer::put(const cell_position& cell, std::string_view variable, const std::vector<axis>& own_axes,
                         std::span<const T> values) {
  extents start(cell.begin(), cell.end());
  extents count(cell.size(), 1);
  for (const axis a : own_axes) {
    start.push_back(0);
    count.push_back(grid_.length(a));
  }
  file_.write_block<T>(std::string(variable), start, count, values);
}

// NOLINTNEXTLINE(readability-convert-member-functions-to-static): the generic lambda does use `this`
void results_writer::put_payload(const entry& e) {
  for (const payload_variable& v : payload_variables()) {
    if (!is_present(v, grid_)) continue;
    std::visit(
        [&](auto member) {
          const auto& value = e.result.*member;
          if constexpr (requires { value.data(); }) {
            put(e.cell, v.name, v.own_axes, std::span(value));
          } else {
            put(e.cell, v.name, value);
          }
        },
        v.member);
  }
}

void results_writer::put_weights(const entry& e) {
  std::span<const float> rest(e.result.weights);
  for (const weight_variable& weight : grid_.weights) {
    extents start(e.cell.begin(), e.cell.end()), count(e.cell.size(), 1);
    start.resize(start.size() + weight.shape.size(), 0);
    count.insert(count.end(), weight.shape.begin(), weight.shape.end());
    file_.write_block<float>(weight.name, start, count, rest.first(weight.size()));
    rest = rest.subspan(weight.size());
  }
}

void results_writer::require_permission() {
  constexpr auto lasts = std::chrono::milliseconds(200);
  const auto now = std::chrono::steady_clock::now();
  if (now - permitted_ < lasts) return;
  may_write_();
  permitted_ = now;
}

void results_writer::flush() {
  require_permission();  // also where nothing waits, since cells may have been abandoned for this reason
  if (waiting_.empty()) return;
  for (const entry& e : waiting_) {
    require_permission();
    if (e.status == cell_status::done) {
      put_payload(e);
      put_weights(e);
    }
    put(e.cell, "attempt", e.record.attempt);
    put(e.cell, "rank", e.record.rank);
    put(e.cell, "start_time", e.record.start_time);
    put(e.cell, "wall_seconds", e.record.wall_seconds);
    if (e.record.training_seconds > 0) {
      put(e.cell, "training_seconds", e.record.training_seconds);
      put(e.cell, "tokens_per_second", e.record.tokens_per_second);
    }
    put(e.cell, "checksum", e.status == cell_status::done ? payload_checksum(e.result) : std::uint64_t{0});
  }
  sync();  // nothing is marked before it is on disk
  for (const entry& e : waiting_) {
    require_permission();
    put(e.cell, "status", static_cast<std::int8_t>(e.status));
  }
  sync();
  waiting_.clear();
  waiting_bytes_ = 0;
}

void results_writer::sync() const {
  if (fdatasync(descriptor_) != 0) throw io_error(fmt::format("{}: cannot write to disk ({})", file_.path(), reason()));
}

}  // namespace cotscale
