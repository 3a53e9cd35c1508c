#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/input_file.hpp"
#include "cotscale/hdf5/file.hpp"
#include "cotscale/task/spectrum.hpp"
#include "read_tables.hpp"

namespace cotscale::detail {
namespace {

// Covariances from consecutive (d, d) blocks of numbers; `name` says which one is wrong, or had to be mended.
covariance covariance_from(std::span<const double> numbers, int d, const std::string& name, std::string& notice) {
  matrix values(d, d);
  std::copy(numbers.begin(), numbers.end(), values.data());
  try {
    covariance out = covariance::from_matrix(values, &notice);
    if (!notice.empty()) notice = fmt::format("{}: {}", name, notice);
    return out;
  } catch (const specification_error& e) {
    throw specification_error(fmt::format("{}: {}", name, e.what()));
  }
}

hdf5_file open_with_covariance(const std::string& path) {
  hdf5_file file = hdf5_file::open_read(path);
  if (!file.has("covariance")) throw specification_error(fmt::format("{} has no dataset `covariance`", path));
  return file;
}

std::shared_ptr<const covariance> read_covariance_file(const std::string& path, int d, std::string& notice) {
  const hdf5_file file = open_with_covariance(path);
  if (const auto side = static_cast<std::uint64_t>(d); file.shape("covariance") != extents{side, side}) {
    throw specification_error(
        fmt::format("`covariance` in {} must have shape ({}, {}) for task.d = {}", path, d, d, d));
  }
  return std::make_shared<const covariance>(covariance_from(file.read<double>("covariance"), d, path, notice));
}

std::shared_ptr<const candidate_tasks> read_candidates_file(const std::string& path, int d) {
  const hdf5_file file = open_with_covariance(path);
  const extents shape = file.shape("covariance");
  const auto side = static_cast<std::uint64_t>(d);
  if (shape.size() != 3 || shape[0] == 0 || shape[1] != side || shape[2] != side) {
    throw specification_error(fmt::format("`covariance` in {} has shape ({}), not (tasks, {}, {}) for task.d = {}",
                                          path, fmt::join(shape, ", "), d, d, d));
  }
  candidate_tasks out;
  if (file.has("name")) out.names = file.read_strings("name");
  if (!out.names.empty() && out.names.size() != shape[0]) {
    throw specification_error(
        fmt::format("{} has {} tasks, but {} values of `name`", path, shape[0], out.names.size()));
  }
  const std::vector<double> numbers = file.read<double>("covariance");
  for (std::size_t i = 0; i < shape[0]; ++i) {
    if (out.names.size() == i) out.names.push_back(fmt::format("task{}", i));
    std::string notice;
    out.tasks.push_back(covariance_from(std::span(numbers).subspan(i * side * side, side * side), d,
                                        fmt::format("{}, task {} ({})", path, i, out.names[i]), notice));
    if (!notice.empty()) out.notices.push_back(std::move(notice));
  }
  return std::make_shared<const candidate_tasks>(std::move(out));
}

// Reads the keys `file` and `sha256`, and calls `read` with the path.
template<class Read>
void read_file_keys(table_reader& keys, const specification& spec, std::string& name, std::string& digest,
                    const std::string& what, Read read) {
  digest = keys.text("sha256", "");
  name = keys.text("file", "");
  if (name.empty()) {
    keys.missing("file", "\"" + what + ".h5\"");
    return;
  }
  try {
    const std::string actual = sha256_of_file(spec.directory / name);
    if (!digest.empty() && digest != actual) {
      keys.problem("sha256", fmt::format("is {}, but {} has {}: the file has changed", digest, name, actual));
    }
    digest = actual;
    if (spec.d > 0) read((spec.directory / name).string());
  } catch (const io_error& e) {
    keys.problem("file", fmt::format("names a file that cannot be read ({})", e.what()));
  } catch (const specification_error& e) {
    keys.problem("file", fmt::format("names no {} ({})", what, e.what()));
  }
}

// The eigenvalues that the keys make must be a covariance's, as doubles hold them.
void require_in_range(table_reader& keys, const specification& spec, const covariance_specification& c) {
  const bool listed = c.spectrum == covariance_specification::kind::list;
  if (spec.d < 1 || (!listed && c.spectrum != covariance_specification::kind::power_law)) return;
  const char* key = listed ? "eigenvalues" : "exponent";
  std::vector<double> values = listed ? c.eigenvalues : power_law_spectrum(spec.d, c.exponent);
  const auto refused = [](double x) { return !(x >= 0) || !std::isfinite(x); };
  const bool zero = std::all_of(values.begin(), values.end(), [](double x) { return x == 0; });
  if (listed && (values.size() != static_cast<std::size_t>(spec.d) || zero ||
                 std::any_of(values.begin(), values.end(), refused))) {
    return;  // a problem already
  }
  if (!listed && !(values.back() > 0 && std::isfinite(values.back()))) {
    keys.problem(key,
                 fmt::format("is {}, and j^(−exponent) is beyond what a double holds at j = {}", c.exponent, spec.d));
    return;
  }
  try {
    require_spectrum(c.scale_to_trace ? scaled_to_trace(std::move(values), spec.d) : values);
  } catch (const specification_error& e) {
    keys.problem(key, fmt::format("does not do: {}", e.what()));
  }
}

}  // namespace

// Reads the keys of [target] or [mixtures.NAME].
covariance_specification read_covariance(table_reader& keys, const specification& spec, rotation default_rotation,
                                         bool needs_spectrum) {
  covariance_specification out;
  out.basis = value_of<rotation>(rotation_words,
                                 keys.choice("rotation", rotation_words, word_of(rotation_words, default_rotation)));
  const bool has_spectrum = keys.find("spectrum") != nullptr;
  std::string kind = keys.choice("spectrum", spectrum_words, "");
  if (!has_spectrum && keys.find("file") != nullptr) kind = "file";
  if (kind.empty() && needs_spectrum && !has_spectrum) keys.missing("spectrum", "\"power_law\"");
  if (has_spectrum && kind.empty()) return out;  // not one of the words; its other keys cannot be judged
  if (!kind.empty()) out.spectrum = value_of<covariance_specification::kind>(spectrum_words, kind);

  // Keys that belong to one kind of spectrum are refused with another, where they would silently do nothing.
  const auto belongs_to = [&](const std::string& key, const std::string& owner) {
    if (keys.find(key) != nullptr && kind != owner) {
      keys.problem(key, fmt::format("has an effect with spectrum = \"{}\" only; remove it, or set spectrum", owner));
    }
    return kind == owner;
  };
  if (belongs_to("exponent", "power_law")) {
    if (keys.find("exponent") == nullptr) keys.missing("exponent", "1.0");
    out.exponent = keys.number("exponent", 0);
  }
  if (belongs_to("eigenvalues", "list")) {
    out.eigenvalues = keys.number_list("eigenvalues");
    if (keys.find("eigenvalues") == nullptr) keys.missing("eigenvalues", "[1.0, 0.5]");
    const bool negative = std::any_of(out.eigenvalues.begin(), out.eigenvalues.end(),
                                      [](double x) { return !(x >= 0) || !std::isfinite(x); });
    const bool zero = std::all_of(out.eigenvalues.begin(), out.eigenvalues.end(), [](double x) { return x == 0; });
    if (negative) {
      keys.problem("eigenvalues",
                   "makes the covariance not positive semi-definite: every eigenvalue must be finite and ≥ 0");
    } else if (zero && !out.eigenvalues.empty()) {
      keys.problem("eigenvalues", "makes the covariance zero: at least one eigenvalue must be positive");
    }
    if (spec.d > 0 && out.eigenvalues.size() != static_cast<std::size_t>(spec.d)) {
      keys.problem("eigenvalues", fmt::format("has {} values, but task.d = {}", out.eigenvalues.size(), spec.d));
    }
  }
  belongs_to("sha256", "file");
  if (belongs_to("file", "file")) {
    read_file_keys(keys, spec, out.file, out.sha256, "covariance",
                   [&](const std::string& path) { out.stored = read_covariance_file(path, spec.d, out.notice); });
  }
  const bool scaled = keys.find("scale") != nullptr;
  out.scale_to_trace = keys.choice("scale", scale_words, "none") == "trace";
  if (scaled && kind.empty() && !has_spectrum) {
    keys.problem("scale",
                 "has an effect together with spectrum only; a target of the hardness axis has trace d already");
  }
  require_in_range(keys, spec, out);
  keys.finish();
  return out;
}

tasks_specification read_tasks(table_reader& keys, const specification& spec) {
  tasks_specification out;
  if (!keys.present()) return out;
  const bool file = keys.find("file") != nullptr;
  out.source = file ? tasks_specification::kind::file : tasks_specification::kind::generated;
  only_with(keys, file, {"sha256"}, "file");
  only_with(keys, !file, {"exponents", "directions", "each"}, "generated tasks, not with file,");
  if (file) {
    read_file_keys(keys, spec, out.file, out.sha256, "candidates",
                   [&](const std::string& path) { out.stored = read_candidates_file(path, spec.d); });
  } else {
    out.exponents = keys.number_axis("exponents", "[0.2, 0.8]");
    out.directions = keys.integer_axis("directions", 1, "[20, 100]");
    if (keys.find("each") == nullptr) keys.missing("each", "10");
    out.each = static_cast<int>(keys.integer("each", 1, 1, 100'000));
    constexpr double most_candidates = 1e6;
    if (const double count = 1.0 * out.each * static_cast<double>(out.exponents.size() * out.directions.size());
        count > most_candidates) {
      keys.problem("each", fmt::format("makes {:.3g} candidates; {:.0e} are the most", count, most_candidates));
    }
    for (const double exponent : out.exponents) {
      const double last = std::pow(std::max(spec.d, 1), -exponent);
      if (last > 0 && std::isfinite(last * spec.d)) continue;
      keys.problem(
          "exponents",
          fmt::format("has the value {}, and j^(−exponent) is beyond what a double holds at j = {}", exponent, spec.d));
    }
    for (const std::int64_t b : out.directions) {
      if (spec.d > 0 && b > spec.d) {
        keys.problem("directions", fmt::format("has the value {}, but there are task.d = {} directions", b, spec.d));
      }
    }
  }
  keys.finish();
  return out;
}

// [mixtures.NAME] with probabilities over the candidates of [tasks].
mixture_specification read_probabilities(table_reader& keys, const specification& spec) {
  mixture_specification out;
  out.probabilities = keys.number_list("probabilities");
  const tasks_specification& tasks = spec.tasks;
  const std::size_t count =
      tasks.stored ? tasks.stored->tasks.size()
                   : tasks.exponents.size() * tasks.directions.size() * static_cast<std::size_t>(tasks.each);
  if (tasks.source == tasks_specification::kind::none) {
    keys.problem("probabilities", "are those of the candidates of [tasks], and there is no such table");
  } else if (out.probabilities.size() != count && count > 0) {
    keys.problem("probabilities",
                 fmt::format("has {} values, but [tasks] has {} candidates", out.probabilities.size(), count));
  }
  double total = 0;
  for (const double p : out.probabilities) total = p >= 0 ? total + p : -std::numeric_limits<double>::infinity();
  if (!(total > 0) || !std::isfinite(total)) {
    keys.problem("probabilities", "must be finite and ≥ 0, and one of them positive; they are divided by their sum");
  }
  keys.finish();
  return out;
}

}  // namespace cotscale::detail
