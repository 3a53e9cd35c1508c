#include "checks.hpp"

#include <algorithm>

#include "cotscale/base/error.hpp"
#include "declarations.hpp"
#include "isotropy.hpp"

namespace cotscale::detail {

void require_sampler(const specification& spec, config::keys& test) {
  if (spec.sampler != sampler_method::wishart || spec.target.features->is_gaussian()) return;
  test.problem("sampler", fmt::format("is \"wishart\", but target.features is \"{}\", of which examples must be drawn; "
                                      "remove it",
                                      spec.target.features->word()));
}

void require_isotropy(const specification& spec, config::keys& test) {
  if (spec.sampler != sampler_method::bidiagonal) return;
  if (const std::string why = not_isotropic(spec); !why.empty()) {
    test.problem("sampler",
                 fmt::format("is \"bidiagonal\", for which everything must be isotropic, Gaussian and without "
                             "noise, and {}; remove it",
                             why));
  }
}

void require_dimensions(const specification& spec, bool with_sweep, const toml::table& root,
                        config::problem_list& problems) {
  if (spec.d <= most_dimensions) return;
  std::string why = with_sweep ? not_isotropic(spec) : "a choice among tasks is not";
  if (why.empty() && !is_scalar(spec)) why = fmt::format("test.sampler is \"{}\"", word_of(spec.sampler));
  if (why.empty()) return;
  problems.add(root["task"]["d"].node(),
               fmt::format("task.d is {}; beyond {} everything must be isotropic, Gaussian and "
                           "without noise (test.sampler = \"bidiagonal\"), and {}; change that, or lower d",
                           spec.d, most_dimensions, why));
}

void require_testable(const std::string& name, const model_specification& model, const specification& spec,
                      config::keys& test) {
  if (needs_examples(model) && spec.sampler == sampler_method::wishart) {
    test.problem("sampler", fmt::format("is \"wishart\", but models.{} needs the examples; remove it", name));
  }
  const model_limits limits = model.architecture->limits();
  if (spec.n.empty() || spec.m.empty()) return;
  if (spec.steps < limits.least_steps)
    test.problem("k", fmt::format("is {}, but models.{} is tested on chains; make it {} at least", spec.steps, name,
                                  limits.least_steps));
  if (limits.most_steps && spec.steps > *limits.most_steps) {
    test.problem(
        "k",
        fmt::format("is {}, but models.{} has positions for the chains of its training only, {} step{}; lower "
                    "it, {}",
                    spec.steps, name, *limits.most_steps, *limits.most_steps == 1 ? "" : "s", limits.longer_chains));
  }
  const std::int64_t least_n = *std::min_element(spec.n.begin(), spec.n.end());
  if (std::none_of(spec.m.begin(), spec.m.end(), [&](std::int64_t m) { return limits.takes(m, least_n); })) {
    test.problem("m",
                 fmt::format("has no value up to n = {}: models.{} has positions for the n examples of its training "
                             "only; add one, or {}",
                             least_n, name, limits.more_examples));
  }
}

// A grid is kept in lists of its cells, and a file has a row for each.
void require_countable(const specification& spec, config::keys& sweep) {
  constexpr double most_cells = 1e8, most_numbers = 1e15;
  const auto size = [](const auto& values) { return std::max(1.0, static_cast<double>(values.size())); };
  const double cells = size(spec.models) * size(spec.mixtures) * size(spec.hardness) * size(spec.n) * spec.repeats;
  const double numbers = cells * size(spec.m) * (spec.steps + 1.0);
  if (cells > most_cells) {
    sweep.problem("repeats", fmt::format("and the axes make {:.3g} cells; {:.0e} are the most", cells, most_cells));
  } else if (numbers > most_numbers) {
    sweep.problem("repeats", fmt::format("and the axes make {:.3g} errors with test.m and test.k; {:.0e} are the most",
                                         numbers, most_numbers));
  }
}

std::string no_exact_problem(const specification& spec) {
  if (spec.noise > 0) {
    return fmt::format("the exact problem of selection is for labels without noise, and task.noise is {}; remove it",
                       spec.noise);
  }
  if (!spec.target.features->is_gaussian()) {
    return fmt::format(
        "the exact problem of selection is for Gaussian features, and target.features is \"{}\"; remove it",
        spec.target.features->word());
  }
  return "";
}

void require_selectable(const specification& spec, const std::string& source) {
  const auto require = [&](bool present, const char* what) {
    if (!present) throw specification_error(fmt::format("{}: {}", source, what));
  };
  for (const varied_key& axis : spec.axes) {
    require(!axis.model.empty() || !axis.mixture.empty(),
            "sweep.axes varies what the choice of tasks depends on; give each value a file of its own, or --set it");
  }
  require(spec.tasks.source != tasks_specification::kind::none,
          "tasks is missing; add [tasks] with file = \"candidates.h5\", or with exponents, directions and each");
  require(spec.selection.n.has_value(), "select.n is missing; set it in [select], for example n = 200");
  require(has_own_covariance(spec.target) || spec.hardness.size() == 1,
          "target has no spectrum; set [target] file = \"target.h5\" or spectrum, or one value of sweep.hardness");
  if (const std::string reason = no_exact_problem(spec); !reason.empty()) {
    throw specification_error(fmt::format("{}: {}", source, reason));
  }
}

}  // namespace cotscale::detail
