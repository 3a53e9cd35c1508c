#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/input_file.hpp"
#include "cotscale/base/shared.hpp"
#include "cotscale/config/problems.hpp"
#include "cotscale/hdf5/file.hpp"
#include "cotscale/task/rows.hpp"

namespace cotscale {
namespace {

// Of a text, and of the numbers: every rank keeps them, and needs twice as much while it reads them.
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;

constexpr std::array<config::word<row_scale>, 3> scales{
    {{row_scale::none, "none", "as they are"},
     {row_scale::unit_variance, "unit_variance", "each column divided by the root of its mean square"},
     {row_scale::trace, "trace", "all divided by one number, so that tr Σ = d"}}};

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
    if (!value) {
      throw specification_error(
          fmt::format("{}, column {}: '{}' is no number", where, j + 1, config::shortened(std::string(fields[j]), 40)));
    }
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

matrix rows_of_hdf5(const std::string& path, const std::string& dataset, int d, const std::string& origin) {
  const hdf5_file file = hdf5_file::open_read(path);
  if (dataset.empty()) {
    throw specification_error(fmt::format("{}: `dataset` names no dataset; set it to one of shape (rows, d)", path));
  }
  if (!file.has(dataset)) {
    throw specification_error(
        fmt::format("{}: there is no such dataset; set `dataset` to one of shape (rows, d)", origin));
  }
  const extents shape = file.shape(dataset);
  if (shape.size() != 2 || shape[1] == 0) {
    throw specification_error(fmt::format("{}: its shape is ({}), not (rows, {})", origin, fmt::join(shape, ", "), d));
  }
  if (shape[1] != static_cast<std::uint64_t>(d)) {
    throw specification_error(fmt::format("{}: its rows have {} columns, but task.d = {}", origin, shape[1], d));
  }
  if (shape[0] > most_bytes / sizeof(double) / shape[1]) {
    throw specification_error(
        fmt::format("{}: its {} rows are more than the {} MB that are kept in memory; leave some "
                    "out",
                    origin, shape[0], most_bytes >> 20U));
  }
  return as_matrix(file.read<double>(dataset), shape[1]);
}

}  // namespace

matrix rows_of_csv(std::string_view text, int d, const std::string& origin) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
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
      throw specification_error(fmt::format("{}: {} values, but there should be {}{}", where, fields.size(), columns,
                                            d == 0 ? "" : ", which is task.d"));
    }
    add_row(fields, where, values);
  }
  return as_matrix(values, columns);
}

void row_distribution::read(const std::string& path, int d) {
  require_regular_file(path);
  const std::string origin = fmt::format("{}, dataset '{}'", path, config::shortened(dataset, 60));
  try {
    take(rows_of_hdf5(path, dataset, d, origin), origin);
  } catch (const not_hdf5_error&) {
    take(rows_of_csv(read_regular_file(path, most_bytes), d, path), path);
  }
}

void row_distribution::keys(config::keys& k) {
  config::file_keys(k, file,
                    "HDF5 file, or CSV with a row per example (a first line of names is skipped); relative to the "
                    "specification",
                    "rows");
  k.value({.name = "dataset", .help = "of shape (rows, d), where the file is HDF5"}, dataset);
  k.value({.name = "centre", .help = "subtract each column's mean"}, centre);
  k.word({.name = "rows_scale", .help = "the values, after that"}, scale, scales);
}

void row_distribution::settle(config::keys& k, int d, const std::filesystem::path& directory) {
  config::open_file(k, file, directory, "rows", [&](const std::string& path) {
    if (d == 0) return;
    const std::string key =
        fmt::format("{} {} {} {} {}", file.sha256, d, centre, config::text_of(scale, scales), dataset);
    data_ = shared<data>(key, [&] {
      read(path, d);
      return data_;
    });
  });
}

}  // namespace cotscale
