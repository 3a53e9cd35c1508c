// The keys of [target], [mixtures.NAME] and [tasks].
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/input_file.hpp"
#include "cotscale/task/spectrum.hpp"
#include "declarations.hpp"

namespace cotscale {

using kind = covariance_specification::kind;

namespace {

constexpr std::array<config::word<kind>, 3> spectra{{{kind::power_law, "power_law", "λ_j = j^(−`exponent`)"},
                                                     {kind::list, "list", "`eigenvalues`"},
                                                     {kind::file, "file", "a matrix from a `file`"}}};

constexpr std::array<config::word<bool>, 2> scales{
    {{false, "none", "as they are"}, {true, "trace", "multiplied so that the trace is d"}}};

constexpr std::array<config::word<rotation>, 3> rotations{
    {{rotation::none, "none", "the coordinates, or the file's own basis"},
     {rotation::shared, "shared", "one random orthogonal basis for all"},
     {rotation::independent, "independent",
      "one each, and one for every hardness of the target, so that they do not commute"}}};

}  // namespace

std::string word_of(kind spectrum) { return std::string(config::text_of(spectrum, spectra)); }

std::string word_of(rotation basis) { return std::string(config::text_of(basis, rotations)); }

namespace detail {
namespace {

// Identifies a file, and calls `read` with its path.
template<class Read>
void take_file(config::keys& k, const specification& spec, const std::string& name, std::string& digest,
               const std::string& what, Read read) {
  if (name.empty()) return k.problem("file", fmt::format("names no file; set it, for example file = \"{}.h5\"", what));
  try {
    const std::string actual = sha256_of_file(spec.directory / name);
    if (!digest.empty() && digest != actual) {
      k.problem("sha256", fmt::format("is {}, but {} has {}: the file has changed", digest, name, actual));
    }
    digest = actual;
    if (spec.d > 0) read((spec.directory / name).string());
  } catch (const io_error& e) {
    k.problem("file", fmt::format("names a file that cannot be read ({})", e.what()));
  } catch (const specification_error& e) {
    k.problem("file", fmt::format("names no {} ({})", what, e.what()));
  }
}

// The keys `file` and `sha256`; the file is read where they are.
template<class Read>
void file_keys(config::keys& k, const specification& spec, std::string& name, std::string& digest,
               const std::string& help, const std::string& what, Read read) {
  const std::string example = "\"" + what + ".h5\"";
  k.value({.name = "file", .help = help, .example = example, .required = true}, name);
  k.value({.name = "sha256", .help = "of that file; a resumed run refuses a changed one", .otherwise = "computed"},
          digest);
  k.after("file", [&] { k.check([&] { take_file(k, spec, name, digest, what, read); }); });
}

// Says what is wrong with the eigenvalues in units of their own: as doubles hold them they must be a covariance's.
void require_in_range(config::keys& k, const char* key, std::vector<double> values, bool scaled) {
  const double trace = static_cast<double>(values.size());
  try {
    require_spectrum(scaled ? scaled_to_trace(std::move(values), trace) : values);
  } catch (const specification_error& e) {
    k.problem(key, fmt::format("does not do: {}", e.what()));
  }
}

void require_exponent(config::keys& k, const covariance_specification& c, int d) {
  if (d < 1) return;
  std::vector<double> values = power_law_spectrum(d, c.exponent);
  if (!(values.back() > 0 && std::isfinite(values.back()))) {
    k.problem("exponent",
              fmt::format("is {}, and j^(−exponent) is beyond what a double holds at j = {}", c.exponent, d));
    return;
  }
  require_in_range(k, "exponent", std::move(values), c.scale_to_trace);
}

void require_eigenvalues(config::keys& k, const covariance_specification& c, int d) {
  const std::vector<double>& values = c.eigenvalues;
  const auto refused = [](double x) { return !(x >= 0) || !std::isfinite(x); };
  if (std::any_of(values.begin(), values.end(), refused)) {
    k.problem("eigenvalues",
              "makes the covariance not positive semi-definite: every eigenvalue must be finite and ≥ 0");
  } else if (d > 0 && values.size() != static_cast<std::size_t>(d)) {
    k.problem("eigenvalues", fmt::format("has {} values, but task.d = {}", values.size(), d));
  } else if (!values.empty() && std::all_of(values.begin(), values.end(), [](double x) { return x == 0; })) {
    k.problem("eigenvalues", "makes the covariance zero: at least one eigenvalue must be positive");
  } else if (d > 0) {
    require_in_range(k, "eigenvalues", values, c.scale_to_trace);
  }
}

void covariance_keys(config::keys& k, covariance_specification& c, const specification& spec, bool of_target) {
  // A file alone says enough.
  const bool file_alone = k.given("file") && !k.given("spectrum");
  if (file_alone) c.spectrum = kind::file;
  k.word({.name = "spectrum",
          .help = "where the eigenvalues come from",
          .example = "\"power_law\"",
          .required = !of_target && !file_alone,
          .otherwise = of_target ? "the hardness axis" : ""},
         c.spectrum, spectra);
  k.when(c.spectrum == kind::power_law, R"(spectrum = "power_law")", [&] {
    k.value({.name = "exponent", .help = "λ_j = j^(−exponent)", .example = "1.0", .required = true}, c.exponent);
  });
  k.when(c.spectrum == kind::list, R"(spectrum = "list")", [&] {
    k.list({.name = "eigenvalues",
            .help = "d numbers ≥ 0; zeros make the covariance singular: its hardness is then +inf",
            .example = "[1.0, 0.5]",
            .required = true},
           c.eigenvalues);
  });
  k.when(c.spectrum == kind::file, R"(spectrum = "file")", [&] {
    file_keys(k, spec, c.file, c.sha256,
              "HDF5 file with `covariance[d,d]`; relative to the specification. It alone stands for this spectrum",
              "covariance", [&](const std::string& path) { c.stored = read_covariance_file(path, spec.d, c.notice); });
  });
  k.when(c.spectrum.has_value(), "spectrum",
         [&] { k.word({.name = "scale", .help = "the eigenvalues"}, c.scale_to_trace, scales); });
  k.word({.name = "rotation", .help = "the basis", .otherwise = of_target ? "" : "that of the target"}, c.basis,
         rotations);
  k.when(c.spectrum == kind::power_law, R"(spectrum = "power_law")",
         [&] { k.after("exponent", [&] { k.check([&] { require_exponent(k, c, spec.d); }); }); });
  k.when(c.spectrum == kind::list, R"(spectrum = "list")",
         [&] { k.after("eigenvalues", [&] { k.check([&] { require_eigenvalues(k, c, spec.d); }); }); });
}

void require_candidates(config::keys& k, const tasks_specification& t, int d) {
  constexpr double most_candidates = 1e6;
  if (const double count = 1.0 * t.each * static_cast<double>(t.exponents.size() * t.directions.size());
      count > most_candidates) {
    k.problem("each", fmt::format("makes {:.3g} candidates; {:.0e} are the most", count, most_candidates));
  }
  for (std::size_t i = 0; i < t.exponents.size(); ++i) {
    const double last = std::pow(std::max(d, 1), -t.exponents[i]);
    if (last > 0 && std::isfinite(last * d)) continue;
    k.problem_at(
        "exponents", i,
        fmt::format("has the value {}, and j^(−exponent) is beyond what a double holds at j = {}", t.exponents[i], d));
  }
  for (std::size_t i = 0; i < t.directions.size(); ++i) {
    if (d < 1 || t.directions[i] <= d) continue;
    k.problem_at("directions", i,
                 fmt::format("has the value {}, but there are task.d = {} directions", t.directions[i], d));
  }
}

// Probabilities over the candidates of [tasks].
void require_probabilities(config::keys& k, const std::vector<double>& probabilities,
                           const tasks_specification& tasks) {
  const std::size_t count =
      tasks.stored ? tasks.stored->tasks.size()
                   : tasks.exponents.size() * tasks.directions.size() * static_cast<std::size_t>(tasks.each);
  double total = 0;
  for (const double p : probabilities) total = p >= 0 ? total + p : -std::numeric_limits<double>::infinity();
  if (!(total > 0) || !std::isfinite(total)) {
    k.problem("probabilities", "must be finite and ≥ 0, and one of them positive; they are divided by their sum");
  } else if (tasks.source == tasks_specification::kind::none) {
    k.problem("probabilities", "are those of the candidates of [tasks], and there is no such table");
  } else if (probabilities.size() != count && count > 0) {
    k.problem("probabilities",
              fmt::format("has {} values, but [tasks] has {} candidates", probabilities.size(), count));
  }
}

}  // namespace

void target_keys(config::keys& k, covariance_specification& target, const specification& spec) {
  covariance_keys(k, target, spec, true);
}

void mixture_keys(config::keys& k, mixture_specification& mixture, const specification& spec) {
  k.list(
      {.name = "probabilities", .help = "instead of a covariance: how likely each of the candidates of `[tasks]` is"},
      mixture.probabilities);
  const bool mixed = k.given("probabilities") || !mixture.probabilities.empty();
  if (mixed) {
    k.after("probabilities", [&] { k.check([&] { require_probabilities(k, mixture.probabilities, spec.tasks); }); });
  }
  k.when(!mixed, "no probabilities", [&] { covariance_keys(k, mixture.task, spec, false); });
}

void tasks_keys(config::keys& k, tasks_specification& t, const specification& spec) {
  if (k.given("file")) t.source = tasks_specification::kind::file;
  k.when(t.source == tasks_specification::kind::file, "file", [&] {
    file_keys(k, spec, t.file, t.sha256,
              "HDF5 file with `covariance[T,d,d]` and, if you like, `name[T]`; relative to the specification",
              "candidates", [&](const std::string& path) { t.stored = read_candidates_file(path, spec.d); });
  });
  k.when(t.source == tasks_specification::kind::generated, "no file", [&] {
    k.axis({.name = "exponents",
            .help = "α of generated candidates: the j-th direction of a task has the eigenvalue j^(−α)",
            .example = "[0.2, 0.8]",
            .required = true},
           t.exponents);
    k.axis(
        {.name = "directions",
         .help = "B, at most d: a task has B directions, drawn without replacement from the basis, which follows the "
                 "target's `rotation`",
         .example = "[20, 100]",
         .required = true},
        t.directions, {.least = 1});
    k.value({.name = "each", .help = "tasks of each (α, B)", .example = "10", .required = true}, t.each,
            {.least = 1, .most = 100'000});
    k.check([&] { require_candidates(k, t, spec.d); });
  });
}

}  // namespace detail
}  // namespace cotscale
