// Results files: created whole, written in place by all ranks, read back and verified (docs/results-layout.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/comm/communicator.hpp"
#include "cotscale/hdf5/file.hpp"
#include "cotscale/store/cell_values.hpp"
#include "cotscale/store/failures.hpp"
#include "cotscale/store/new_file.hpp"
#include "cotscale/store/record.hpp"
#include "cotscale/store/sealed_file.hpp"

namespace cotscale {

/// A variable whose values are final when the file is created, over any dimensions of it.
struct fixed_variable {
  variable described;
  std::vector<double> values;
};

/// The group of the files that a specification names.
inline constexpr std::string_view inputs_group = "inputs";

/// An attribute of a group.
struct group_note {
  std::string group, name, text;
};

/// A file that the specification names.
struct input_file {
  std::string name;  ///< as the specification writes it
  std::string sha256;
  std::uint64_t bytes = 0;
  std::string contents = {};  ///< empty: the file is too large to be kept
};

/// 128 bits of a hash over all that a cell's numbers depend on.
struct cell_identity {
  std::uint64_t high = 0, low = 0;
  friend bool operator==(const cell_identity&, const cell_identity&) = default;
};

/// What a file is created with.
struct results_content {
  std::shared_ptr<const results_schema> schema;
  std::vector<fixed_variable> fixed = {};
  std::vector<input_file> inputs = {};
  std::vector<group_note> notes = {};
  std::vector<cell_identity> identities = {};  ///< over cells; empty: they are not known
  std::vector<bool> asked = {};                ///< over cells; empty: all are
};

/// Bytes of the datasets of cells, and of failures, of a file of this shape.
std::uint64_t file_bytes(const results_schema& schema);

/// Names at the root of a file that are neither dimensions nor variables of producers.
std::set<std::string> names_of_the_store();

/// Creates the whole file, every cell pending, under a temporary name; syncs it to disk and renames it to `path`.
/// Throws io_error, and leaves nothing behind, if it cannot (no space, say). Replaces a file that is there.
void create_results(const std::string& path, const results_content& content, const std::string& config_toml,
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

  std::size_t cell_count() const { return cell_count_; }
  /// Of the file that was opened, whatever has its name by now.
  std::string sha256() const { return file_.sha256(); }
  /// Names, in the order of the file; and of a variable's axes beyond them.
  std::vector<std::string> cell_dimensions() const;
  std::vector<std::string> own_dimensions(const std::string& variable) const;
  /// Texts of a coordinate variable; none if the file has none of that name.
  std::vector<std::string> texts(const std::string& path) const { return file_.description().texts(path); }
  /// Whether there is a dataset of numbers of this path, and its values.
  const stored_dataset* find(const std::string& path) const { return file_.description().find(path); }
  template<class T>
  std::vector<T> read(const std::string& path) const {
    return file_.read<T>(path);
  }
  const std::string& config_toml() const { return file_.description().text("config_toml"); }
  /// Of the root or of the group `provenance`; an integer as its digits.
  const std::string& attribute(const std::string& name) const { return file_.description().text("attribute." + name); }

  /// Over cells, row-major. One that a damaged record gives no status counts as pending.
  std::vector<cell_status> statuses() const;
  std::vector<std::int32_t> attempts() const;
  std::vector<cell_identity> identities() const;
  /// A payload variable of doubles in full.
  std::vector<double> values(const std::string& variable) const { return file_.read<double>(dataset_of(variable)); }
  /// A payload variable of integers in full.
  std::vector<std::int64_t> integers(const std::string& variable) const { return file_.read<std::int64_t>(variable); }
  /// A payload variable of doubles, or a weight, of one cell.
  std::vector<double> values_of_cell(const std::string& variable, std::size_t cell) const;
  /// A variable over (m, k) for k < `most`, as far as there are so many; row-major over (cells, m, k).
  std::vector<double> first_steps(const std::string& variable, std::size_t most) const;
  std::vector<std::int8_t> converged() const { return file_.read<std::int8_t>("converged"); }
  std::vector<std::int8_t> training_diverged() const { return file_.read<std::int8_t>("training_diverged"); }

  /// Of the cells that are failed, ascending, as far as there was room for their messages.
  std::vector<failure> failures() const;
  /// The failed cells that had no room.
  std::size_t failures_without_message() const;
  /// Entries of the table of failures that no run has left so.
  std::size_t damaged_failures() const { return failure_table(file_).damaged().size(); }

  /// Numbers, ascending, of the cells whose record does not have its checksum, or that are marked done but whose
  /// payload has not. Reads the whole file.
  std::vector<std::size_t> damaged_cells() const;

  /// XXH64 of a cell's payload as it stands in the file now; and what done cells were marked with, over cells.
  std::uint64_t payload_checksum(std::size_t cell) const { return payload_checksums(cell, 1).front(); }
  std::vector<std::uint64_t> marked_checksums() const { return file_.read<std::uint64_t>("checksum"); }

 private:
  std::string dataset_of(const std::string& variable) const;
  /// Of the payloads of `count` cells from number `first` on.
  std::vector<std::uint64_t> payload_checksums(std::size_t first, std::size_t count) const;
  std::vector<std::size_t> damaged_now(const std::vector<std::size_t>& among) const;

  sealed_file file_;
  std::size_t cell_count_ = 0;
};

/// A rank's access for writing: it knows from the file's description where every variable is, and writes there itself.
/// Cells become durable in batches: payloads first, then the marks. A cell is named by its number.
class results_writer {
 public:
  /// Collective. Throws agreed_error if a rank cannot open the file.
  results_writer(const std::string& path, std::shared_ptr<const results_schema> schema, const communicator& all);

  /// Stores a cell; it may stay in memory until the next flush.
  void add(std::size_t cell, cell_values result, const cell_record& record);
  /// The message is stored, too, while the table of failures has room.
  void add_failed(std::size_t cell, const cell_record& record, const std::string& message);

  /// For a cell that is marked done but damaged; not durable before the next flush.
  void mark_pending(std::size_t cell);

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
    std::size_t cell;
    cell_status status;
    cell_values result;
    cell_record record;
    std::uint64_t checksum;  ///< of the payload
    std::string message;
    std::optional<std::size_t> failure_entry = {};
  };
  // Where a variable is in the file, and how many bytes of it a cell has.
  struct place {
    std::string path;
    std::uint64_t offset = 0;
    std::size_t bytes = 0;
  };
  place place_of(const std::string& path, std::size_t bytes) const;
  void find_places();
  void find_room_for_failures(const communicator& all);
  std::optional<std::size_t> failure_entry_of(std::size_t cell);

  void put_bytes(const place& where, std::size_t index, std::span<const std::byte> bytes) const;
  template<class T>
  void put(const place& where, std::size_t index, const T& value) const {
    put_bytes(where, index, std::as_bytes(std::span(&value, 1)));
  }
  void put_payload(const entry& e) const;
  void put_record(const entry& e) const;
  void put_failure(entry& e);
  void sync() const;
  void require_permission();

  std::shared_ptr<const results_schema> schema_;
  std::unique_ptr<const sealed_file> layout_;  // keeps the lock that tells other programs that the file is in use
  descriptor file_;
  std::vector<place> payload_, record_;  // in the order of the schema, and of record_variables()
  place status_, checksum_, record_checksum_, failure_cell_, failure_message_, failure_checksum_;
  std::vector<std::size_t> free_failures_;                          // of this rank, in reverse
  std::unordered_map<std::size_t, std::size_t> failures_of_cells_;  // entries of cells that failed before
  std::vector<entry> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  std::chrono::steady_clock::time_point oldest_;
  std::function<void()> may_write_ = [] {};
  std::chrono::steady_clock::time_point permitted_;
};

}  // namespace cotscale
