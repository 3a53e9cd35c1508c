// What a results file holds, as data: its dimensions, and the variables that those who compute them declare. Creation,
// writing, checksums, reading and docs/results-layout.md follow from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace cotscale {

inline constexpr std::int64_t schema_version = 3;

enum class value_type : std::uint8_t { f64, i64, i8, f32 };

std::size_t size_of(value_type type);
/// As NumPy calls it: "float64".
std::string_view name_of(value_type type);

/// A result of a cell. Where nobody writes a value it is missing: NaN, and −1 of integers.
struct variable {
  std::string name;
  value_type type = value_type::f64;
  /// Names of dimensions beyond those of cells. A file without one of them leaves the variable out; if the name ends in
  /// a question mark, it leaves only the axis out.
  std::vector<std::string> axes = {};
  std::string long_name;
  std::string units = "1";
  std::string group = "";     ///< of the file; empty: the root
  std::string meanings = "";  ///< of an int8 that is a flag: a word for each of −1, 0, 1 …
  std::string path() const;
};

/// A dimension and its coordinates.
struct dimension {
  using coordinate_values = std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>>;
  std::string name;
  coordinate_values values;
  std::string long_name;
  bool of_cells = false;  ///< what is trained and scheduled has a place along it
  std::string group = "";
  std::size_t length() const;
  std::string path() const;
  friend bool operator==(const dimension&, const dimension&) = default;
};

/// A variable in the files of one shape, and in the memory of a cell.
struct variable_slot {
  variable declared;
  std::vector<std::size_t> axes = {};  ///< indices of its own dimensions
  std::size_t values = 1;              ///< of a cell
  std::size_t offset = 0;              ///< in cell_values, in bytes
  std::size_t bytes() const { return values * size_of(declared.type); }
};

class results_schema {
 public:
  /// Dimensions of cells come first. Throws precondition_error if not, or if two variables have one name.
  results_schema(std::vector<dimension> dimensions, const std::vector<variable>& declared);

  const std::vector<dimension>& dimensions() const { return dimensions_; }
  std::size_t cell_dimensions() const { return cell_dimensions_; }
  std::size_t cell_count() const { return cell_count_; }
  /// In the order of their declaration, which is that of a cell's checksum.
  std::span<const variable_slot> slots() const { return slots_; }
  /// Null if files of this shape have no such variable.
  const variable_slot* find(std::string_view name) const;
  /// Bytes of a cell's values in memory, and in the file with its record.
  std::size_t memory_of_cell() const { return memory_.size(); }
  std::uint64_t bytes_of_cell() const;
  /// A cell's values in memory, all missing.
  const std::vector<std::byte>& missing() const { return memory_; }

 private:
  void add(const variable& declared);

  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::vector<dimension> dimensions_;
  std::size_t cell_dimensions_ = 0, cell_count_ = 1;
  std::vector<variable_slot> slots_;
  std::unordered_map<std::string, std::size_t, text_hash, std::equal_to<>> by_name_;
  std::vector<std::byte> memory_;
};

}  // namespace cotscale
