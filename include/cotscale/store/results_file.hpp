// Results files: created whole, written in place by all ranks, read back and verified (docs/results-layout.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cotscale/comm/communicator.hpp"
#include "cotscale/hdf5/file.hpp"
#include "cotscale/store/layout.hpp"
#include "cotscale/store/new_file.hpp"

namespace cotscale {

/// Creates the whole file, every cell pending, under a temporary name; syncs it to disk and renames it to `path`.
/// Throws io_error, and leaves nothing behind, if it cannot (no space, say). Replaces a file that is there.
void create_results(const std::string& path, const coordinates& grid, const std::string& config_toml,
                    const provenance& attributes);

/// Whether the file can be read and is a results file of cotscale, of any schema version.
bool is_results_file(const std::string& path);

/// A results file opened for reading, also while a run is writing it.
class results_reader {
 public:
  /// Throws io_error if there is no such file or it cannot be read (truncated, not HDF5), mismatch_error if it is not a
  /// results file of ours or of another schema version.
  explicit results_reader(const std::string& path);

  const coordinates& grid() const { return grid_; }
  std::string config_toml() const { return file_.read_strings("config_toml").front(); }
  std::string attribute(const std::string& name) const { return file_.text_attribute("/", name); }

  /// Over cells, row-major.
  std::vector<cell_status> statuses() const;
  std::vector<std::int32_t> attempts() const { return file_.read<std::int32_t>("attempt"); }
  /// A payload variable of doubles in full.
  std::vector<double> values(const std::string& variable) const { return file_.read<double>(variable); }
  /// A payload variable of integers in full.
  std::vector<std::int64_t> integers(const std::string& variable) const { return file_.read<std::int64_t>(variable); }
  /// A payload variable of doubles of one cell.
  std::vector<double> cell_values(const std::string& variable, const cell_position& cell) const;
  /// z_score for k < theory_steps, where exact theory exists; row-major over (cells, m, k).
  std::vector<double> first_z_scores() const;
  std::vector<std::int8_t> converged() const { return file_.read<std::int8_t>("converged"); }

  /// Numbers of the cells that are marked done, but whose payload does not have the stored checksum. Reads the whole
  /// file.
  std::vector<std::size_t> damaged_cells() const;

 private:
  std::vector<std::uint64_t> payload_checksums(const cell_position& first, std::uint64_t n_count,
                                               std::uint64_t repeat_count) const;

  hdf5_file file_;
  coordinates grid_;
};

/// All ranks' access for writing. Cells become durable in batches: payloads first, then the marks.
class results_writer {
 public:
  /// Collective. If it throws on one rank, end the job (communicator::or_abort): the others may wait for this one.
  results_writer(const std::string& path, coordinates grid, const communicator& all);
  ~results_writer();
  results_writer(const results_writer&) = delete;
  results_writer& operator=(const results_writer&) = delete;
  results_writer(results_writer&&) = delete;
  results_writer& operator=(results_writer&&) = delete;

  /// Stores a cell; it may stay in memory until the next flush. The vectors of `result` have the shapes of
  /// payload_variables().
  void add(const cell_position& cell, cell_result result, const cell_record& record);
  void add_failed(const cell_position& cell, const cell_record& record);

  /// For a cell that is marked done but damaged; not durable before the next flush.
  void mark_pending(const cell_position& cell);

  /// Makes everything that was added durable, and marks it.
  void flush();

  /// Age of the oldest cell that is not durable yet, zero if there is none; bytes of the weights that wait.
  std::chrono::duration<double> oldest() const;
  std::uint64_t waiting_bytes() const { return waiting_bytes_; }

  /// Collective; flush() first, or what was not flushed is lost.
  void close() { file_.close(); }

 private:
  struct entry {
    cell_position cell;
    cell_status status;
    cell_result result;
    cell_record record;
  };
  template<class T>
  void put(const cell_position& cell, std::string_view variable, const std::vector<axis>& own_axes,
           std::span<const T> values);
  template<class T>
  void put(const cell_position& cell, std::string_view variable, T value) {
    put<T>(cell, variable, {}, std::span<const T>(&value, 1));
  }
  void put_payload(const entry& e);
  void put_weights(const entry& e);
  void sync() const;

  coordinates grid_;
  int descriptor_;  // opened before the shared file, whose closing is collective
  hdf5_file file_;
  std::vector<entry> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  std::chrono::steady_clock::time_point oldest_;
};

}  // namespace cotscale
