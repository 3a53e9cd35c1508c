#include "cotscale/store/results_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/base/error.hpp"
#include "raw_records.hpp"

namespace cotscale {
namespace {

descriptor open_for_writing(const std::string& path) {
  descriptor file = open_descriptor(path, O_RDWR);
  if (!file) throw io_error(fmt::format("{}: cannot open the file for writing ({})", path, reason()));
  return file;
}

}  // namespace

results_writer::results_writer(const std::string& path, std::shared_ptr<const results_schema> schema,
                               const communicator& all)
    : schema_(std::move(schema)) {
  // Nobody writes before all have read which failures are free.
  all.together([&] {
    layout_ = std::make_unique<const sealed_file>(path);
    file_ = open_for_writing(path);
    find_places();
    find_room_for_failures(all);
  });
}

results_writer::place results_writer::place_of(const std::string& path, std::size_t bytes) const {
  return {.path = path, .offset = layout_->dataset(path).offset, .bytes = bytes};
}

// A cell's part of a variable is contiguous, since the axes of cells come first, and so is the variable.
void results_writer::find_places() {
  const auto of_cells = [&](const std::string& path, std::size_t bytes) {
    expects(layout_->dataset(path).bytes() == schema_->cell_count() * bytes, "results_writer: {} bytes a cell for {}",
            bytes, path);
    return place_of(path, bytes);
  };
  for (const variable_slot& slot : schema_->slots()) {
    payload_.push_back(of_cells(slot.declared.path(), slot.bytes()));
  }
  const cell_record empty;
  for (const record_variable& v : record_variables()) {
    const std::size_t bytes = std::visit([&](auto member) { return sizeof(empty.*member); }, v.member);
    record_.push_back(of_cells(std::string(v.name), bytes));
  }
  status_ = of_cells("status", sizeof(std::int8_t));
  checksum_ = of_cells("checksum", sizeof(std::uint64_t));
  record_checksum_ = of_cells("record_checksum", sizeof(std::uint64_t));
  const auto of_failures = [&](const char* name, std::size_t bytes) {
    return place_of(fmt::format("{}/{}", failures_group, name), bytes);
  };
  failure_cell_ = of_failures("cell", sizeof(std::int64_t));
  failure_message_ = of_failures("message", failure_bytes);
  failure_checksum_ = of_failures("checksum", sizeof(std::uint64_t));
}

// Free entries are dealt to the ranks in turn, so that no two write one. A cell that has an entry keeps it.
void results_writer::find_room_for_failures(const communicator& all) {
  const failure_table table(*layout_);
  const detail::raw_records records(*layout_);
  std::vector<cell_status> status(schema_->cell_count());
  for (std::size_t i = 0; i < status.size(); ++i) status[i] = records.status(i);
  const std::vector<std::size_t> free = table.free_entries(status);
  for (auto i = static_cast<std::size_t>(all.rank()); i < free.size(); i += static_cast<std::size_t>(all.size())) {
    free_failures_.push_back(free[i]);
  }
  std::reverse(free_failures_.begin(), free_failures_.end());
  for (std::size_t i = 0; i < status.size(); ++i) {
    if (status[i] != cell_status::failed) continue;
    if (const std::optional<std::size_t> at = table.entry_of(i)) failures_of_cells_.emplace(i, *at);
  }
}

std::optional<std::size_t> results_writer::failure_entry_of(std::size_t cell) {
  if (const auto known = failures_of_cells_.find(cell); known != failures_of_cells_.end()) return known->second;
  if (free_failures_.empty()) return std::nullopt;
  const std::size_t at = free_failures_.back();
  free_failures_.pop_back();
  failures_of_cells_.emplace(cell, at);
  return at;
}

void results_writer::mark_pending(std::size_t cell) {
  put(record_checksum_, cell, std::uint64_t{0});
  put(status_, cell, static_cast<std::int8_t>(cell_status::pending));
}

void results_writer::add(std::size_t cell, cell_values result, const cell_record& record) {
  if (waiting_.empty()) oldest_ = std::chrono::steady_clock::now();
  waiting_bytes_ += schema_->memory_of_cell() + sizeof(entry);
  expects(result.schema() && result.schema()->memory_of_cell() == schema_->memory_of_cell(),
          "results_writer: the values of cell {} have another shape than the file", cell);
  const std::uint64_t sum = result.checksum();
  waiting_.push_back({cell, cell_status::done, std::move(result), record, sum, {}});
}

void results_writer::add_failed(std::size_t cell, const cell_record& record, const std::string& message) {
  if (waiting_.empty()) oldest_ = std::chrono::steady_clock::now();
  waiting_.push_back({cell, cell_status::failed, {}, record, 0, message});
}

std::chrono::duration<double> results_writer::oldest() const {
  if (waiting_.empty()) return {};
  return std::chrono::steady_clock::now() - oldest_;
}

void results_writer::put_bytes(const place& where, std::size_t index, std::span<const std::byte> bytes) const {
  if (!write_at(file_, bytes, where.offset + index * where.bytes)) {
    throw io_error(fmt::format("{}: cannot write {} ({})", layout_->path(), where.path, reason()));
  }
}

void results_writer::put_payload(const entry& e) const {
  const std::span<const variable_slot> slots = schema_->slots();
  for (std::size_t i = 0; i < slots.size(); ++i) put_bytes(payload_[i], e.cell, e.result.bytes_of(slots[i]));
}

void results_writer::put_record(const entry& e) const {
  const std::span<const record_variable> variables = record_variables();
  for (std::size_t i = 0; i < variables.size(); ++i) {
    std::visit([&](auto member) { put(record_[i], e.cell, e.record.*member); }, variables[i].member);
  }
  put(checksum_, e.cell, e.checksum);
}

void results_writer::put_failure(entry& e) {
  e.failure_entry = failure_entry_of(e.cell);
  if (!e.failure_entry) return;
  put(failure_checksum_, *e.failure_entry, failure_being_written);
  put(failure_cell_, *e.failure_entry, static_cast<std::int64_t>(e.cell));
  const std::vector<std::uint8_t> text = failure_text(e.message);
  put_bytes(failure_message_, *e.failure_entry, std::as_bytes(std::span(text)));
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
  for (entry& e : waiting_) {
    require_permission();
    put(record_checksum_, e.cell, record_being_written);
    if (e.status == cell_status::done) put_payload(e);
    if (e.status == cell_status::failed) put_failure(e);
    put_record(e);
    put(record_checksum_, e.cell, record_checksum(cell_status::pending, e.record, e.checksum));
  }
  sync();  // nothing is marked before it is on disk
  for (const entry& e : waiting_) {
    require_permission();
    put(status_, e.cell, static_cast<std::int8_t>(e.status));
  }
  sync();  // a mark is on disk before what says that it was set
  for (const entry& e : waiting_) {
    put(record_checksum_, e.cell, record_checksum(e.status, e.record, e.checksum));
    if (!e.failure_entry) continue;
    put(failure_checksum_, *e.failure_entry,
        failure_checksum({.cell = static_cast<std::int64_t>(e.cell), .message = e.message}));
  }
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
