#include "cotscale/experiment/specification.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "checks.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/input_file.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/config/overrides.hpp"
#include "cotscale/config/reader.hpp"
#include "cotscale/experiment/initial_weights.hpp"
#include "cotscale/experiment/stages.hpp"
#include "cotscale/linalg/blas.hpp"
#include "declarations.hpp"
#include "isotropy.hpp"
#include "kept_weights.hpp"
#include "model_reading.hpp"
#include "variants.hpp"

namespace cotscale {
namespace {

using namespace detail;
using config::problem_list;
using config::reader;

// Far more than the specification of any sweep, and parsed within a second.
constexpr std::uint64_t longest_specification = 16'000'000;

std::set<std::string> as_set(const std::vector<std::string>& words) { return {words.begin(), words.end()}; }

std::vector<std::string> built_in_mixtures() {
  std::vector<std::string> names{std::string(matched_mixture), std::string(isotropic_mixture),
                                 std::string(skewed_mixture)};
  names.insert(names.end(), candidate_mixtures.begin(), candidate_mixtures.end());
  return names;
}

std::vector<std::string> names_in(const toml::table* table) {
  std::vector<std::string> names;
  if (table != nullptr) {
    for (const auto& [key, node] : *table) names.emplace_back(key.str());
  }
  return names;
}

// The table [models.NAME] or [mixtures.NAME]; null, and a problem, if it is something else.
const toml::table* named_table(const toml::table& all, const std::string& kind, const std::string& name,
                               problem_list& problems) {
  reader keys(&all, kind, problems);
  return keys.subtable(name);
}

void read_models(const toml::table* tables, const std::vector<std::string>& mixtures, reader& sweep,
                 specification& spec, problem_list& problems) {
  const std::vector<std::string> defined = names_in(tables);
  const std::set<std::string> known = as_set(defined), wanted = as_set(spec.models);
  for (std::size_t i = 0; i < spec.models.size(); ++i) {
    const std::string& model = spec.models[i];
    if (known.contains(model)) continue;
    if (problems.full()) {
      problems.count();
      continue;
    }
    sweep.problem_at("models", i,
                     fmt::format("names \"{}\", but there is no [models.{}]{}", model, model,
                                 config::suggestion(model, defined, "; add it")));
  }
  for (const std::string& model : defined) {
    const toml::table* table = named_table(*tables, "models", model, problems);
    if (table == nullptr) continue;
    reader keys(table, "models." + model, problems);
    read_model(model, keys, mixtures, spec, problems, wanted.contains(model));
  }
}

void require_known_mixtures(const std::vector<std::string>& known, reader& sweep, const specification& spec,
                            problem_list& problems) {
  const std::set<std::string> there = as_set(known);
  for (std::size_t i = 0; i < spec.mixtures.size(); ++i) {
    if (problems.full() && !there.contains(spec.mixtures[i])) {
      problems.count();
      continue;
    }
    if (const std::string why = no_mixture(spec.mixtures[i], known, spec); !why.empty()) {
      sweep.problem_at("mixtures", i, why);
    }
  }
}

void read_mixtures(const toml::table* tables, specification& spec, problem_list& problems) {
  const std::set<std::string> built_in = as_set(built_in_mixtures()), wanted = as_set(all_mixtures(spec));
  for (const std::string& mixture : names_in(tables)) {
    if (built_in.contains(mixture)) {
      problems.add(tables->get(mixture), fmt::format("mixtures.{} is built in; choose another name", mixture));
      continue;
    }
    const toml::table* table = named_table(*tables, "mixtures", mixture, problems);
    if (table == nullptr) continue;
    reader keys(table, "mixtures." + mixture, problems);
    mixture_specification out;
    out.task.basis = spec.target.basis;
    out.task.features = features_beside(spec.target);
    mixture_keys(keys, out, spec);
    keys.finish();
    if (wanted.contains(mixture)) spec.mixture_tables[mixture] = std::move(out);
  }
}

// [test], [theory], models and mixtures.
void read_sweep(reader& top, reader& sweep, specification& spec, problem_list& problems) {
  reader test(top.subtable("test"), "test", problems);
  test_keys(test, spec);
  test.finish();
  reader theory(top.subtable("theory"), "theory", problems);
  theory_keys(theory, spec);
  theory.finish();
  const toml::table* mixtures = top.subtable("mixtures");
  std::vector<std::string> known = built_in_mixtures();
  const std::set<std::string> built_in = as_set(known);
  std::ranges::copy_if(names_in(mixtures), std::back_inserter(known),
                       [&](const std::string& name) { return !built_in.contains(name); });
  read_models(top.subtable("models"), known, sweep, spec, problems);
  read_mixtures(mixtures, spec, problems);
  require_known_mixtures(known, sweep, spec, problems);
  require_sampler(spec, test);
  require_isotropy(spec, test);
  for (const auto& [name, model] : spec.model_tables) require_testable(name, model, spec, test);
  require_variable_names(spec, sweep);
  require_countable(spec, sweep);
}

// Without a sweep, the file holds what selection needs, and the name and seed of one.
specification interpret(const toml::table& root, problem_list& problems, const std::filesystem::path& directory,
                        bool with_sweep) {
  specification spec;
  spec.directory = directory;
  reader top(&root, "", problems);
  const auto read = [&](const std::string& name, auto visit) {
    reader keys(top.subtable(name), name, problems);
    visit(keys);
    keys.finish();
    return std::pair(keys.present(), keys.sound());
  };
  read("task", [&](reader& keys) { task_keys(keys, spec); });
  const bool target_is_sound = read("target", [&](reader& keys) { target_keys(keys, spec.target, spec); }).second;
  if (root.contains("tasks")) {
    spec.tasks.source = tasks_specification::kind::generated;
    read("tasks", [&](reader& keys) { tasks_keys(keys, spec.tasks, spec); });
  } else {
    top.subtable("tasks");
  }
  const bool selects = read("select", [&](reader& keys) { selection_keys(keys, spec.selection, spec.d); }).first;
  if (with_sweep && selects && spec.tasks.source == tasks_specification::kind::none) {
    top.problem("select", "has an effect with [tasks] only; remove it");
  }
  reader sweep(top.subtable("sweep"), "sweep", problems);
  sweep_keys(sweep, spec, with_sweep, with_sweep && target_is_sound);
  sweep.finish();
  if (with_sweep) read_sweep(top, sweep, spec, problems);
  require_dimensions(spec, with_sweep, root, problems);
  top.finish();
  return spec;
}

// Covariances that are not quite what they should be; said where the user's file is read, not on every rank.
void warn_of_mended(const specification& spec) {
  const auto warn_of = [](const covariance_specification& c) {
    if (c.spectrum && !c.spectrum->notice().empty()) warn("{}", c.spectrum->notice());
  };
  warn_of(spec.target);
  for (const auto& [name, mixture] : spec.mixture_tables) warn_of(mixture.task);
  if (!spec.tasks.stored || spec.tasks.stored->notices.empty()) return;
  const std::vector<std::string>& notices = spec.tasks.stored->notices;
  warn("{}{}", notices.front(),
       notices.size() == 1 ? "" : fmt::format("; and {} more of its tasks likewise", notices.size() - 1));
}

bool has_sweep(const toml::table& root) { return root.contains("models") || root.contains("test"); }

}  // namespace

bool is_candidate_mixture(const std::string& mixture) {
  return std::find(candidate_mixtures.begin(), candidate_mixtures.end(), mixture) != candidate_mixtures.end();
}

sampler_method resolved_sampler(const specification& spec) {
  if (spec.sampler != sampler_method::automatic) return spec.sampler;
  if (!spec.beside_others && not_isotropic(spec).empty()) return sampler_method::bidiagonal;
  const bool any = std::any_of(spec.model_tables.begin(), spec.model_tables.end(),
                               [](const auto& table) { return needs_examples(table.second); });
  return any || !spec.target.features->is_gaussian() ? sampler_method::explicit_examples : sampler_method::wishart;
}

bool is_scalar(const specification& spec) { return resolved_sampler(spec) == sampler_method::bidiagonal; }

int matrix_side(const specification& spec) { return is_scalar(spec) ? 1 : spec.d; }

bool needs_examples(const model_specification& model) { return model.architecture->limits().needs_examples; }

specification parse_specification(const std::string& text, const std::string& source,
                                  const std::filesystem::path& directory, const std::vector<override_key>& overrides) {
  const blas_threads one(1);  // covariances of files have the same bits whatever the number of threads
  const interpreter whole = [&](const toml::table& root, problem_list& problems) {
    return interpret(root, problems, directory, true);
  };
  specification spec = read_variants(text, source, overrides, whole);
  if (!spec.variants.empty()) spec.text_of_variants = text_of_variants(spec, text, source, overrides, whole);
  return spec;
}

specification load_selection(const std::string& path, const std::vector<override_key>& overrides) {
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  const blas_threads one(1);
  const specification spec = read_variants(read_regular_file(path, longest_specification), path, overrides,
                                           [&](const toml::table& root, problem_list& problems) {
                                             return interpret(root, problems, directory, has_sweep(root));
                                           });
  require_selectable(spec, path);
  warn_of_mended(spec);
  return spec;
}

specification load_specification(const std::string& path, const std::vector<override_key>& overrides) {
  specification spec = parse_specification(read_regular_file(path, longest_specification), path,
                                           std::filesystem::path(path).parent_path(), overrides);
  warn_of_mended(spec);
  return spec;
}

}  // namespace cotscale
