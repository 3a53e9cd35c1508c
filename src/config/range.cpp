#include "cotscale/config/range.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "cotscale/config/reader.hpp"

namespace cotscale::config {
namespace {

constexpr std::int64_t most_values = 1'000'000;

constexpr std::array<word<range::spacing>, 2> spacings{
    {{range::spacing::linear, "linear", "equal differences"}, {range::spacing::log, "log", "equal ratios"}}};

double rounded(double value) { return std::strtod(fmt::format("{:.11e}", value).c_str(), nullptr); }

double steps_of(const range& r) { return (r.to - r.from) / *r.step; }

void require_whole_steps(keys& k, const range& r) {
  constexpr double rounding = 1e-9;
  const double steps = steps_of(r);
  if (steps > static_cast<double>(most_values)) {
    k.problem("step", fmt::format("makes {:.3g} values; {} are the most", steps + 1, most_values));
  } else if (std::abs(steps - std::round(steps)) > rounding * steps) {
    k.problem("step", fmt::format("= {} does not lead from {} to {}; the nearest ends are to = {} and to = {}", *r.step,
                                  r.from, r.to, rounded(r.from + std::floor(steps) * *r.step),
                                  rounded(r.from + std::ceil(steps) * *r.step)));
  }
}

void require_range(keys& k, const range& r) {
  const bool log = r.scale == range::spacing::log;
  if (r.to <= r.from) return k.problem("to", fmt::format("is {}, but must be above from = {}", r.to, r.from));
  if (log && r.from <= 0) {
    return k.problem("from", fmt::format("must be positive with scale = \"log\", got {}", r.from));
  }
  if (!std::isfinite(log ? r.to / r.from : r.to - r.from)) {
    return k.problem("to", fmt::format("is {}, too far from {} for the numbers between them", r.to, r.from));
  }
  if (k.given("count") && k.given("step")) {
    k.problem("step", "is set beside count; remove one of the two");
  } else if (!k.given("count") && !k.given("step")) {
    k.problem("count", "is missing; set it, for example count = 5, or step");
  } else if (r.step && log) {
    k.problem("scale", "has an effect with count only; remove it, or set count instead of step");
  } else if (r.step) {
    require_whole_steps(k, r);
  }
}

std::optional<range> read(const toml::table& table, const std::string& path, problem_list& problems) {
  range out;
  reader keys(&table, path, problems);
  range_keys(keys, out);
  keys.finish();
  return keys.sound() ? std::optional(out) : std::nullopt;
}

}  // namespace

void range_keys(keys& k, range& r) {
  k.value({.name = "from", .help = "the first value", .example = "10", .required = true}, r.from);
  k.value({.name = "to", .help = "the last value", .example = "1000", .required = true}, r.to);
  k.value({.name = "count", .help = "how many values, both ends included"}, r.count, {.least = 2, .most = most_values});
  k.value({.name = "step", .help = "from each value to the next"}, r.step, {.above = 0});
  k.word({.name = "scale", .help = "of values that `count` says the number of"}, r.scale, spacings);
  k.after("from", [&] { k.after("to", [&] { k.check([&] { require_range(k, r); }); }); });
}

std::vector<double> values_of(const range& r) {
  const auto count = static_cast<std::size_t>(r.count ? *r.count : std::llround(steps_of(r)) + 1);
  std::vector<double> values(count);
  const auto last = static_cast<double>(count - 1);
  for (std::size_t i = 0; i < count; ++i) {
    const double share = static_cast<double>(i) / last;
    const double value =
        r.scale == range::spacing::log ? r.from * std::pow(r.to / r.from, share) : r.from + (r.to - r.from) * share;
    values[i] = rounded(value);
  }
  values.front() = r.from;
  values.back() = r.to;
  return values;
}

std::optional<std::vector<double>> read_range(const toml::table& table, const std::string& path,
                                              problem_list& problems) {
  const std::optional<range> r = read(table, path, problems);
  if (!r) return std::nullopt;
  std::vector<double> values = values_of(*r);
  if (std::adjacent_find(values.begin(), values.end(), std::greater_equal<>()) != values.end()) {
    problems.add(&table, fmt::format("{} has a range of {} values from {} to {}, too close together to tell apart",
                                     path, values.size(), r->from, r->to));
    return std::nullopt;
  }
  return values;
}

std::optional<std::vector<std::int64_t>> read_integer_range(const toml::table& table, const std::string& path,
                                                            problem_list& problems) {
  const std::optional<range> r = read(table, path, problems);
  if (!r) return std::nullopt;
  constexpr double exact = 9e15;  // below 2⁵³
  for (const double end : {r->from, r->to}) {
    if (end == std::round(end) && std::abs(end) < exact) continue;
    problems.add(&table, fmt::format("{} takes integers, and its range has the end {}", path, end));
    return std::nullopt;
  }
  std::vector<std::int64_t> values;
  for (const double value : values_of(*r)) values.push_back(std::llround(value));
  const auto total = values.size();
  values.erase(std::unique(values.begin(), values.end()), values.end());
  if (values.size() == total) return values;
  problems.add(&table, fmt::format("{} has a range of {} values from {} to {}, of which {} differ as integers; take "
                                   "fewer, or list them",
                                   path, total, r->from, r->to, values.size()));
  return std::nullopt;
}

}  // namespace cotscale::config
