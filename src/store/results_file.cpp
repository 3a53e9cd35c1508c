#include "cotscale/store/results_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cotscale/base/error.hpp"

namespace cotscale {
namespace {

std::string reason() { return std::strerror(errno); }

int open_descriptor(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) throw io_error(fmt::format("{}: cannot open the file ({})", path, reason()));
  return fd;
}

}  // namespace

results_writer::results_writer(const std::string& path, coordinates grid, const communicator& all)
    : grid_(std::move(grid)), descriptor_(open_descriptor(path)), file_(hdf5_file::open_shared(path, all)) {}

results_writer::~results_writer() { ::close(descriptor_); }

void results_writer::mark_pending(const cell_position& cell) {
  put(cell, "record_checksum", std::uint64_t{0});
  put(cell, "status", static_cast<std::int8_t>(cell_status::pending));
}

void results_writer::add(const cell_position& cell, cell_result result, const cell_record& record) {
  if (waiting_.empty()) oldest_ = std::chrono::steady_clock::now();
  waiting_bytes_ += result.weights.size() * sizeof(float);
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
    extents start(e.cell.begin(), e.cell.end()), count(e.cell.size(), 1);
    start.resize(start.size() + weight.shape.size(), 0);
    count.insert(count.end(), weight.shape.begin(), weight.shape.end());
    file_.write_block<float>(path_of(weight), start, count, rest.first(weight.size()));
    rest = rest.subspan(weight.size());
  }
}

void results_writer::put_record(const entry& e) {
  for (const record_variable& v : record_variables()) {
    std::visit([&](auto member) { put(e.cell, v.name, e.record.*member); }, v.member);
  }
  put(e.cell, "checksum", e.checksum);
}

void results_writer::flush() {
  if (waiting_.empty()) return;
  for (const entry& e : waiting_) {
    put(e.cell, "record_checksum", record_being_written);
    if (e.status == cell_status::done) {
      put_payload(e);
      put_weights(e);
    }
    put_record(e);
    put(e.cell, "record_checksum", record_checksum(cell_status::pending, e.record, e.checksum));
  }
  sync();  // nothing is marked before it is on disk
  for (const entry& e : waiting_) put(e.cell, "status", static_cast<std::int8_t>(e.status));
  sync();  // a mark is on disk before what says that it was set
  for (const entry& e : waiting_) put(e.cell, "record_checksum", record_checksum(e.status, e.record, e.checksum));
  waiting_.clear();
  waiting_bytes_ = 0;
}

void results_writer::sync() const {
  if (fdatasync(descriptor_) != 0) throw io_error(fmt::format("{}: cannot write to disk ({})", file_.path(), reason()));
}

}  // namespace cotscale
