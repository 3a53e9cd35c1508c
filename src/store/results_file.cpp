#include "cotscale/store/results_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

descriptor open_for_writing(const std::string& path) {
  descriptor file = open_descriptor(path, O_RDWR);
  if (!file) throw io_error(fmt::format("{}: cannot open the file for writing ({})", path, reason()));
  return file;
}

}  // namespace

results_writer::results_writer(const std::string& path, coordinates grid, const communicator& all)
    : grid_(std::move(grid)) {
  all.together([&] {
    layout_ = std::make_unique<const sealed_file>(path);
    file_ = open_for_writing(path);
  });
}

void results_writer::mark_pending(const cell_position& cell) {
  put(cell, "record_checksum", std::uint64_t{0});
  put(cell, "status", static_cast<std::int8_t>(cell_status::pending));
}

void results_writer::add(const cell_position& cell, cell_result result, const cell_record& record) {
  if (waiting_.empty()) oldest_ = std::chrono::steady_clock::now();
  waiting_bytes_ += payload_bytes(grid_) / grid_.cell_count() + sizeof(entry);
  const std::uint64_t sum = payload_checksum(result);
  waiting_.push_back({cell, cell_status::done, std::move(result), record, sum});
}

void results_writer::add_failed(const cell_position& cell, const cell_record& record) {
  if (waiting_.empty()) oldest_ = std::chrono::steady_clock::now();
  waiting_.push_back({cell, cell_status::failed, {}, record, 0});
}

std::chrono::duration<double> results_writer::oldest() const {
  if (waiting_.empty()) return {};
  return std::chrono::steady_clock::now() - oldest_;
}

template<class T>
void results_writer::put(const cell_position& cell, std::string_view variable, const std::vector<axis>& own_axes,
                         std::span<const T> values) {
  std::size_t each = 1;
  for (const axis a : own_axes) each *= grid_.length(a);
  expects(each == values.size(), "results_writer: {} values for {} places of {}", values.size(), each, variable);
  put_bytes(cell, std::string(variable), sizeof(T), std::as_bytes(values));
}

// A cell's part of a variable is contiguous, since the axes of cells come first, and so is the variable.
void results_writer::put_bytes(const cell_position& cell, const std::string& variable, std::size_t value_bytes,
                               std::span<const std::byte> bytes) {
  const stored_dataset& place = layout_->dataset(variable);
  expects(place.bytes() == place.values() * value_bytes && place.bytes() == grid_.cell_count() * bytes.size(),
          "results_writer: {} bytes a cell for {}", bytes.size(), variable);
  if (!write_at(file_, bytes, place.offset + cell_number(grid_, cell) * bytes.size())) {
    throw io_error(fmt::format("{}: cannot write {} ({})", layout_->path(), variable, reason()));
  }
}

// NOLINTNEXTLINE(readability-convert-member-functions-to-static): the generic lambda does use `this`
void results_writer::put_payload(const entry& e) {
  for (const payload_variable& v : payload_variables()) {
    if (!is_present(v, grid_)) continue;
    std::visit(
        [&](auto member) {
          const auto& value = e.result.*member;
          if constexpr (requires { value.data(); }) {
            put(e.cell, path_of(v), v.own_axes, std::span(value));
          } else {
            put(e.cell, path_of(v), value);
          }
        },
        v.member);
  }
}

void results_writer::put_weights(const entry& e) {
  std::span<const float> rest(e.result.weights);
  for (const weight_variable& weight : grid_.weights) {
    put_bytes(e.cell, path_of(weight), sizeof(float), std::as_bytes(rest.first(weight.size())));
    rest = rest.subspan(weight.size());
  }
}

void results_writer::put_record(const entry& e) {
  for (const record_variable& v : record_variables()) {
    std::visit([&](auto member) { put(e.cell, v.name, e.record.*member); }, v.member);
  }
  put(e.cell, "checksum", e.checksum);
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
    put(e.cell, "record_checksum", record_being_written);
    if (e.status == cell_status::done) {
      put_payload(e);
      put_weights(e);
    }
    put_record(e);
    put(e.cell, "record_checksum", record_checksum(cell_status::pending, e.record, e.checksum));
  }
  sync();  // nothing is marked before it is on disk
  for (const entry& e : waiting_) {
    require_permission();
    put(e.cell, "status", static_cast<std::int8_t>(e.status));
  }
  sync();  // a mark is on disk before what says that it was set
  for (const entry& e : waiting_) put(e.cell, "record_checksum", record_checksum(e.status, e.record, e.checksum));
  waiting_.clear();
  waiting_bytes_ = 0;
}

void results_writer::sync() const {
  int failed = 0;
  do {
    failed = fdatasync(file_.get());
  } while (failed != 0 && errno == EINTR);
  if (failed != 0) throw io_error(fmt::format("{}: cannot write to disk ({})", layout_->path(), reason()));
}

void results_writer::close() {
  if (!file_.close()) throw io_error(fmt::format("{}: cannot close the file ({})", layout_->path(), reason()));
}

}  // namespace cotscale
