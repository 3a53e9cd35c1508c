// What a cell computes: the payload that its checksum covers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/store/schema.hpp"

namespace cotscale {

template<class T>
constexpr value_type type_of();
template<>
constexpr value_type type_of<double>() {
  return value_type::f64;
}
template<>
constexpr value_type type_of<std::int64_t>() {
  return value_type::i64;
}
template<>
constexpr value_type type_of<std::int8_t>() {
  return value_type::i8;
}
template<>
constexpr value_type type_of<float>() {
  return value_type::f32;
}

/// The values of one cell, by name. Each is row-major over the axes that its variable declares; what is not written is
/// missing. A name is looked up once for all values of a variable.
class cell_values {
 public:
  cell_values() = default;
  explicit cell_values(std::shared_ptr<const results_schema> schema)
      : schema_(std::move(schema)), memory_(schema_->missing()) {}

  const std::shared_ptr<const results_schema>& schema() const { return schema_; }
  bool has(std::string_view name) const { return schema_ && schema_->find(name) != nullptr; }

  /// From now on variables whose first axis is this dimension are seen at the one index only, so that who computes a
  /// part of a cell need not know that there are others. Without such a dimension nothing changes.
  void enter(std::string_view dimension, std::size_t index);
  /// All of them are seen whole again.
  void leave() { entered_.reset(); }

  /// Throws precondition_error if there is no such variable of the type.
  template<class T>
  std::span<T> of(std::string_view name) {
    const variable_slot& slot = slot_of(name, type_of<T>());
    return seen(slot, std::span(reinterpret_cast<T*>(memory_.data() + slot.offset), slot.values));
  }
  template<class T>
  std::span<const T> of(std::string_view name) const {
    const variable_slot& slot = slot_of(name, type_of<T>());
    return seen(slot, std::span(reinterpret_cast<const T*>(memory_.data() + slot.offset), slot.values));
  }
  /// Copies of a variable of doubles, or of integers.
  std::vector<double> doubles(std::string_view name) const {
    const std::span<const double> values = of<double>(name);
    return {values.begin(), values.end()};
  }

  std::vector<std::int64_t> integers(std::string_view name) const {
    const std::span<const std::int64_t> values = of<std::int64_t>(name);
    return {values.begin(), values.end()};
  }

  /// Of a variable without axes.
  template<class T>
  T value(std::string_view name) const {
    const std::span<const T> values = of<T>(name);
    expects(values.size() == 1, "cell_values: {} has {} values", name, values.size());
    return values[0];
  }
  template<class T>
  void set(std::string_view name, T value) {
    const std::span<T> values = of<T>(name);
    expects(values.size() == 1, "cell_values: {} has {} values", name, values.size());
    values[0] = value;
  }
  /// From the place `first` on; places beyond stay as they are.
  template<class T>
  void write(std::string_view name, const std::vector<T>& from, std::size_t first = 0) {
    const std::span<T> values = of<T>(name);
    expects(first + from.size() <= values.size(), "cell_values: {} values at {} of {} of {}", from.size(), first,
            values.size(), name);
    std::copy(from.begin(), from.end(), values.begin() + static_cast<std::ptrdiff_t>(first));
  }

  std::span<const std::byte> bytes_of(const variable_slot& slot) const {
    return std::span(memory_).subspan(slot.offset, slot.bytes());
  }
  /// XXH64 of all variables, in the order of their declaration.
  std::uint64_t checksum() const;

  // Not payload: how long a training took is no property of the cell. NaN: it was not measured.
  double training_seconds = std::numeric_limits<double>::quiet_NaN();
  double tokens_per_second = std::numeric_limits<double>::quiet_NaN();

 private:
  // A place along the dimension of this number.
  struct place {
    std::size_t dimension, index, length;
  };

  const variable_slot& slot_of(std::string_view name, value_type type) const;
  template<class T>
  std::span<T> seen(const variable_slot& slot, std::span<T> all) const {
    if (!entered_ || slot.axes.empty() || slot.axes.front() != entered_->dimension) return all;
    const std::size_t each = all.size() / entered_->length;
    return all.subspan(entered_->index * each, each);
  }

  std::optional<place> entered_;
  std::shared_ptr<const results_schema> schema_;
  std::vector<std::byte> memory_;
};

}  // namespace cotscale
