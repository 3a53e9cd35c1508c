// The keys of [target], [mixtures.NAME] and [tasks].
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "declarations.hpp"

namespace cotscale {

namespace {

constexpr std::array<config::word<bool>, 2> scales{
    {{false, "none", "as they are"}, {true, "trace", "multiplied so that the trace is d"}}};

constexpr std::array<config::word<rotation>, 3> rotations{
    {{rotation::none, "none", "the coordinates, or the file's own basis"},
     {rotation::shared, "shared", "one random orthogonal basis for all"},
     {rotation::independent, "independent",
      "one each, and one for every hardness of the target, so that they do not commute"}}};

}  // namespace

std::string word_of(rotation basis) { return std::string(config::text_of(basis, rotations)); }

namespace detail {
namespace {

// Whether the covariance will be that of the features. In canonical texts their word stands behind the keys of another
// covariance, so that a reader looks ahead.
bool features_own_covariance(const config::keys& k, const covariance_specification& c) {
  const std::string said = k.given_word("features");
  const auto all = all_features();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto* f) { return f->word() == said; });
  return found == all.end() ? c.features->owns_covariance() : (*found)->owns_covariance();
}

void basis_keys(config::keys& k, covariance_specification& c, const specification& spec, bool of_target) {
  // A mixture beside rows may have their covariance, by saying nothing.
  const bool required = !of_target && !spec.target.features->owns_covariance();
  spectrum_keys(k,
                {.name = "spectrum",
                 .help = "where the eigenvalues come from",
                 .required = required,
                 .otherwise = of_target ? "the hardness axis" : ""},
                c.spectrum);
  k.when(c.spectrum != nullptr, "spectrum",
         [&] { k.word({.name = "scale", .help = "the eigenvalues"}, c.scale_to_trace, scales); });
  k.when(of_target || c.spectrum != nullptr, of_target ? "" : "spectrum", [&] {
    k.word({.name = "rotation", .help = "the basis", .otherwise = of_target ? "" : "that of the target"}, c.basis,
           rotations);
  });
}

void covariance_keys(config::keys& k, covariance_specification& c, const specification& spec, bool of_target) {
  const bool own = features_own_covariance(k, c);
  k.when(!own, "a covariance that is not that of the rows", [&] { basis_keys(k, c, spec, of_target); });
  if (own) c.spectrum = nullptr;  // which a key `file` would imply
  // A mixture that says nothing has the target's.
  const bool gaussian = of_target || spec.target.features->is_gaussian();
  k.part({.name = "features",
          .help = "what examples look like, with that covariance",
          .otherwise = of_target ? "" : "those of the target; gaussian beside rows",
          .unwritten = gaussian ? "'gaussian'" : ""},
         c.features, all_features());
  settle(k, c.spectrum, {.d = spec.d, .directory = spec.directory, .scaled = c.scale_to_trace});
  settle(k, c.features, spec.d, spec.directory);
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
    config::file_keys(k, t.file,
                      "HDF5 file with `covariance[T,d,d]` and, if you like, `name[T]`; relative to the specification",
                      "candidates");
    config::open_file(k, t.file, spec.directory, "candidates", [&](const std::string& path) {
      if (spec.d > 0) t.stored = read_candidates_file(path, spec.d);
    });
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
