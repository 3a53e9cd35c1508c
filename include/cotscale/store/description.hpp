// What a file holds, as a text inside it (docs/results-layout.md): our programs read names and the specification from
// it, and numbers from where it says that they are, so that they follow no reference of HDF5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cotscale {

/// What a dataset has to do with cells. All but the fixed ones change while the file is filled; all but those and the
/// table of failures are over cells first. The payload of a cell, and its record, are its parts of these datasets in
/// the order of the description.
enum class dataset_role : std::uint8_t { fixed, payload, record, record_checksum, failure };

/// A contiguous dataset of numbers.
struct stored_dataset {
  std::string name;  ///< with its groups, "weights/v"
  std::string type;  ///< "float64", "int8" … as NumPy calls it
  dataset_role role = dataset_role::fixed;
  std::vector<std::pair<std::string, std::uint64_t>> dimensions = {};  ///< names and lengths
  std::uint64_t offset = 0;                                            ///< of its first byte in the file

  /// Whether it changes while the file is filled.
  bool changes() const { return role != dataset_role::fixed; }
  std::uint64_t values() const;
  std::uint64_t bytes() const;  ///< throws io_error if the type is not known
};

/// Of a type of numbers that files have.
template<class T>
std::string type_name();

class file_description {
 public:
  /// Texts of one key keep their order.
  void add_text(const std::string& key, const std::string& value) { texts_.emplace_back(key, value); }
  void add_texts(const std::string& key, const std::vector<std::string>& values);
  void add_dataset(stored_dataset dataset) { datasets_.push_back(std::move(dataset)); }

  /// The first of that key; throws io_error if there is none.
  const std::string& text(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;

  std::vector<stored_dataset>& datasets() { return datasets_; }
  const std::vector<stored_dataset>& datasets() const { return datasets_; }
  const stored_dataset* find(std::string_view name) const;

  /// The text has the same length whatever the offsets are.
  std::string to_text() const;
  /// The first text of that key among those before the datasets, which files of other schema versions have in other
  /// words; none if there is none, or if it is no such text.
  static std::optional<std::string> leading_text(std::string_view text, std::string_view key);
  /// Throws io_error if it is no such text.
  static file_description from_text(std::string_view text);

 private:
  std::vector<std::pair<std::string, std::string>> texts_;
  std::vector<stored_dataset> datasets_;
};

}  // namespace cotscale
