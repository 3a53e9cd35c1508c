#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/input_file.hpp"
#include "cotscale/hdf5/file.hpp"
#include "cotscale/task/feature_parts.hpp"

namespace cotscale {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 32;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\"";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::optional<double> number(std::string_view field) {
  if (!field.empty() && field.front() == '+') field.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (problem != std::errc() || end != field.data() + field.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto comma = line.find(',');
    out.push_back(trimmed(line.substr(0, comma)));
    if (comma == std::string_view::npos) return out;
    line.remove_prefix(comma + 1);
  }
}

void add_row(const std::vector<std::string_view>& fields, const std::string& where, std::vector<double>& out) {
  for (std::size_t j = 0; j < fields.size(); ++j) {
    const std::optional<double> value = number(fields[j]);
    if (!value) throw specification_error(fmt::format("{}, column {}: '{}' is no number", where, j + 1, fields[j]));
    if (!std::isfinite(*value)) {
      throw specification_error(
          fmt::format("{}, column {}: {} is not finite; leave that row out", where, j + 1, *value));
    }
    out.push_back(*value);
  }
}

matrix as_matrix(const std::vector<double>& values, std::size_t columns) {
  matrix out(static_cast<int>(columns == 0 ? 0 : values.size() / columns), static_cast<int>(columns));
  std::copy(values.begin(), values.end(), out.data());
  return out;
}

matrix rows_of_hdf5(const row_options& options, int d) {
  const hdf5_file file = hdf5_file::open_read(options.file);
  const std::string origin = fmt::format("{}, dataset '{}'", options.file, options.dataset);
  if (!file.has(options.dataset)) {
    throw specification_error(
        fmt::format("{}: there is no such dataset; set `dataset` to one of shape (rows, d)", origin));
  }
  const extents shape = file.shape(options.dataset);
  if (shape.size() != 2 || shape[0] * shape[1] > most_bytes / sizeof(double)) {
    throw specification_error(fmt::format("{}: its shape is not (rows, d), or beyond 4 GiB", origin));
  }
  if (d != 0 && shape[1] != static_cast<std::uint64_t>(d)) {
    throw specification_error(fmt::format("{}: its rows have {} columns, but d = {}", origin, shape[1], d));
  }
  return as_matrix(file.read<double>(options.dataset), shape[1]);
}

}  // namespace

matrix rows_of_csv(std::string_view text, int d, const std::string& origin) {
  std::vector<double> values;
  auto columns = static_cast<std::size_t>(d);
  for (int line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view here = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (trimmed(here).empty()) continue;
    const std::vector<std::string_view> fields = fields_of(here);
    const bool names =
        line == 1 && std::none_of(fields.begin(), fields.end(), [](auto f) { return number(f).has_value(); });
    if (names) continue;
    if (columns == 0) columns = fields.size();
    const std::string where = fmt::format("{}, line {}", origin, line);
    if (fields.size() != columns) {
      throw specification_error(fmt::format("{}: {} values, but there should be {}", where, fields.size(), columns));
    }
    add_row(fields, where, values);
  }
  return as_matrix(values, columns);
}

void row_distribution::read(int d) {
  require_regular_file(options.file);
  try {
    take(rows_of_hdf5(options, d), fmt::format("{}, dataset '{}'", options.file, options.dataset));
  } catch (const not_hdf5_error&) {
    take(rows_of_csv(read_regular_file(options.file, most_bytes), d, options.file), options.file);
  }
}

}  // namespace cotscale
