// Results files: created whole, written in place by all ranks, read back and verified (docs/results-layout.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/comm/communicator.hpp"
#include "cotscale/hdf5/file.hpp"
#include "cotscale/store/layout.hpp"
#include "cotscale/store/new_file.hpp"
#include "cotscale/store/sealed_file.hpp"

namespace cotscale {

/// Creates the whole file, every cell pending, under a temporary name; syncs it to disk and renames it to `path`.
/// Throws io_error, and leaves nothing behind, if it cannot (no space, say). Replaces a file that is there.
void create_results(const std::string& path, const coordinates& grid, const std::string& config_toml,
                    const provenance& attributes);

/// Whether the file is a results file of cotscale, of any schema version, or a damaged one.
bool is_results_file(const std::string& path);

/// A results file opened for reading, also while a run is writing it.
class results_reader {
 public:
  /// Throws io_error if there is no such file, it cannot be read (truncated, not HDF5), or anything in it but its cells
  /// is damaged; mismatch_error if it is not a results file of ours or of another schema version.
  explicit results_reader(const std::string& path);
  explicit results_reader(sealed_file file);

  const coordinates& grid() const { return grid_; }
  const std::string& config_toml() const { return file_.description().text("config_toml"); }
  /// Of the root or of the group `provenance`; an integer as its digits.
  const std::string& attribute(const std::string& name) const { return file_.description().text("attribute." + name); }

  /// Over cells, row-major. One that a damaged record gives no status counts as pending.
  std::vector<cell_status> statuses() const;
  std::vector<std::int32_t> attempts() const;
  /// A payload variable of doubles in full.
  std::vector<double> values(const std::string& variable) const { return file_.read<double>(dataset_of(variable)); }
  /// A payload variable of integers in full.
  std::vector<std::int64_t> integers(const std::string& variable) const { return file_.read<std::int64_t>(variable); }
  /// A payload variable of doubles, or a weight, of one cell.
  std::vector<double> cell_values(const std::string& variable, const cell_position& cell) const;
  /// A variable over (m, k) for k < `most`, as far as there are so many; row-major over (cells, m, k).
  std::vector<double> first_steps(const std::string& variable, std::size_t most) const;
  std::vector<std::int8_t> converged() const { return file_.read<std::int8_t>("converged"); }
  std::vector<std::int8_t> training_diverged() const { return file_.read<std::int8_t>("training_diverged"); }

  /// Numbers, ascending, of the cells whose record does not have its checksum, or that are marked done but whose
  /// payload has not. Reads the whole file.
  std::vector<std::size_t> damaged_cells() const;

 private:
  std::string dataset_of(const std::string& variable) const;
  /// Of the payloads of `count` cells from number `first` on.
  std::vector<std::uint64_t> payload_checksums(std::size_t first, std::size_t count) const;
  std::vector<std::size_t> damaged_now(const std::vector<std::size_t>& among) const;

  sealed_file file_;
  coordinates grid_;
};

/// A rank's access for writing: it knows from HDF5 where in the file every variable is, and writes there itself. Cells
/// become durable in batches: payloads first, then the marks.
class results_writer {
 public:
  /// Collective. Throws agreed_error if a rank cannot open the file.
  results_writer(const std::string& path, coordinates grid, const communicator& all);

  /// Stores a cell; it may stay in memory until the next flush. The vectors of `result` have the shapes of
  /// payload_variables().
  void add(const cell_position& cell, cell_result result, const cell_record& record);
  void add_failed(const cell_position& cell, const cell_record& record);

  /// For a cell that is marked done but damaged; not durable before the next flush.
  void mark_pending(const cell_position& cell);

  /// `may_write` is called before cells are written and before they are marked, at most 0.2 s earlier; what it throws
  /// ends the flush.
  void ask_before_writing(std::function<void()> may_write) { may_write_ = std::move(may_write); }

  /// Makes everything that was added durable, and marks it.
  void flush();

  /// Age of the oldest cell that is not durable yet, zero if there is none; bytes of the cells that wait.
  std::chrono::duration<double> oldest() const;
  std::uint64_t waiting_bytes() const { return waiting_bytes_; }

  /// flush() first, or what was not flushed is lost. Throws io_error if something that was written may not have
  /// arrived.
  void close();

 private:
  struct entry {
    cell_position cell;
    cell_status status;
    cell_result result;
    cell_record record;
    std::uint64_t checksum;  ///< of the payload
  };
  template<class T>
  void put(const cell_position& cell, std::string_view variable, const std::vector<axis>& own_axes,
           std::span<const T> values);
  template<class T>
  void put(const cell_position& cell, std::string_view variable, T value) {
    put<T>(cell, variable, {}, std::span<const T>(&value, 1));
  }
  void put_bytes(const cell_position& cell, const std::string& variable, std::size_t value_bytes,
                 std::span<const std::byte> bytes);
  void put_payload(const entry& e);
  void put_weights(const entry& e);
  void put_record(const entry& e);
  void sync() const;
  void require_permission();

  coordinates grid_;
  std::unique_ptr<const sealed_file> layout_;  // keeps the lock that tells other programs that the file is in use
  descriptor file_;
  std::vector<entry> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  std::chrono::steady_clock::time_point oldest_;
  std::function<void()> may_write_ = [] {};
  std::chrono::steady_clock::time_point permitted_;
};

}  // namespace cotscale
