// Ranges of the numbers of an axis.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cotscale/config/keys.hpp"
#include "cotscale/config/problems.hpp"

namespace cotscale::config {

/// `{ from = 10, to = 1000, count = 7, scale = "log" }` or `{ from = 10, to = 50, step = 5 }`.
struct range {
  enum class spacing : std::uint8_t { linear, log };
  double from = 0;
  double to = 0;
  std::optional<std::int64_t> count;  ///< of values, both ends included
  std::optional<double> step;
  spacing scale = spacing::linear;
};

void range_keys(keys& k, range& r);

/// The values of a range: the ends exactly as they stand there, those between them rounded to 12 significant digits, so
/// that every host has the same. Of integers each is rounded to the nearest, and they must differ.
std::vector<double> values_of(const range& r);

/// Reads a range and adds what is wrong with it, of the axis `path`; none then.
std::optional<std::vector<double>> read_range(const toml::table& table, const std::string& path,
                                              problem_list& problems);
std::optional<std::vector<std::int64_t>> read_integer_range(const toml::table& table, const std::string& path,
                                                            problem_list& problems);

}  // namespace cotscale::config
