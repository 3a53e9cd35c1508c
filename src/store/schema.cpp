#include "cotscale/store/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>

#include "cotscale/base/error.hpp"
#include "cotscale/store/record.hpp"

namespace cotscale {
namespace {

std::string joined(const std::string& group, const std::string& name) {
  return group.empty() ? name : fmt::format("{}/{}", group, name);
}

template<class T>
void fill(std::span<std::byte> bytes, T value) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) std::memcpy(bytes.data() + at, &value, sizeof(T));
}

void fill_missing(value_type type, std::span<std::byte> bytes) {
  switch (type) {
    case value_type::f64:
      return fill(bytes, std::numeric_limits<double>::quiet_NaN());
    case value_type::f32:
      return fill(bytes, std::numeric_limits<float>::quiet_NaN());
    case value_type::i64:
      return fill(bytes, std::int64_t{-1});
    case value_type::i8:
      return fill(bytes, std::int8_t{-1});
  }
}

}  // namespace

std::size_t size_of(value_type type) {
  constexpr std::array<std::size_t, 4> sizes{8, 8, 1, 4};
  return sizes.at(static_cast<std::size_t>(type));
}

std::string_view name_of(value_type type) {
  constexpr std::array<std::string_view, 4> names{"float64", "int64", "int8", "float32"};
  return names.at(static_cast<std::size_t>(type));
}

std::string variable::path() const { return joined(group, name); }
std::string dimension::path() const { return joined(group, name); }

std::size_t dimension::length() const {
  return std::visit([](const auto& v) { return v.size(); }, values);
}

results_schema::results_schema(std::vector<dimension> dimensions, const std::vector<variable>& declared)
    : dimensions_(std::move(dimensions)) {
  const auto of_cells = [](const dimension& d) { return d.of_cells; };
  const auto own = std::find_if_not(dimensions_.begin(), dimensions_.end(), of_cells);
  expects(std::none_of(own, dimensions_.end(), of_cells), "results_schema: dimensions of cells come first");
  cell_dimensions_ = static_cast<std::size_t>(own - dimensions_.begin());
  for (auto d = dimensions_.begin(); d != own; ++d) cell_count_ *= d->length();
  for (const variable& v : declared) add(v);
}

void results_schema::add(const variable& declared) {
  variable_slot slot{.declared = declared};
  for (std::string axis : declared.axes) {
    const bool optional = axis.ends_with('?');
    if (optional) axis.pop_back();
    const auto known =
        std::find_if(dimensions_.begin(), dimensions_.end(), [&](const auto& d) { return d.name == axis; });
    if (known == dimensions_.end() || known->length() == 0) {
      if (optional) continue;
      return;
    }
    slot.axes.push_back(static_cast<std::size_t>(known - dimensions_.begin()));
    slot.values *= known->length();
  }
  constexpr std::size_t alignment = 8;
  slot.offset = memory_.size();
  memory_.resize(slot.offset + (slot.bytes() + alignment - 1) / alignment * alignment);
  fill_missing(declared.type, std::span(memory_).subspan(slot.offset, slot.bytes()));
  const bool is_new = by_name_.emplace(declared.name, slots_.size()).second;
  expects(is_new, "results_schema: two variables are called {}", declared.name);
  slots_.push_back(std::move(slot));
}

const variable_slot* results_schema::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &slots_[found->second];
}

std::uint64_t results_schema::bytes_of_cell() const {
  std::uint64_t bytes = record_bytes();
  for (const variable_slot& slot : slots_) bytes += slot.bytes();
  return bytes;
}

}  // namespace cotscale
