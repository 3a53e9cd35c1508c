#include "cotscale/experiment/specification.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "checks.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/input_file.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/config/overrides.hpp"
#include "cotscale/experiment/initial_weights.hpp"
#include "cotscale/experiment/models.hpp"
#include "cotscale/experiment/theory_draws.hpp"
#include "read_tables.hpp"

namespace cotscale {
namespace {

using namespace detail;

std::vector<std::string> built_in_mixtures() {
  std::vector<std::string> names{std::string(matched_mixture), std::string(isotropic_mixture),
                                 std::string(skewed_mixture)};
  names.insert(names.end(), candidate_mixtures.begin(), candidate_mixtures.end());
  return names;
}

std::set<std::string> as_set(const std::vector<std::string>& words) { return {words.begin(), words.end()}; }

// Far more than the specification of any sweep, and parsed within a second.
constexpr std::uint64_t longest_specification = 16'000'000;

selection_specification read_selection(table_reader& keys, int d) {
  selection_specification out;
  if (keys.find("n") != nullptr) out.n = keys.integer("n", 1, 1, most_examples);
  if (const toml::node* m = keys.find("m"); m != nullptr) {
    const bool infinite = m->is_floating_point() && m->value<double>() == out.m;
    if (!infinite) out.m = static_cast<double>(keys.integer("m", 1, 1, most_examples));
  }
  out.k = static_cast<int>(keys.integer("k", out.k, 1, 10'000));
  out.samples = static_cast<int>(keys.integer("samples", out.samples, 1, 100'000));
  out.max_samples =
      static_cast<int>(keys.integer("max_samples", default_max_samples(d, out.samples), out.samples, 10'000'000));
  out.draws = static_cast<int>(keys.integer("draws", out.draws, 1, 1'000'000));
  keys.finish();
  return out;
}

const toml::table* subtable(table_reader& parent, const std::string& key) {
  const toml::node* node = parent.find(key);
  if (node == nullptr) return nullptr;
  if (node->is_table()) return node->as_table();
  parent.problem(key,
                 fmt::format("must be a table: write [{}] on a line of its own, and its keys below", parent.full(key)));
  return nullptr;
}

std::vector<std::string> names_in(const toml::table* table) {
  std::vector<std::string> names;
  if (table != nullptr) {
    for (const auto& [key, node] : *table) names.emplace_back(key.str());
  }
  return names;
}

void read_sweep(table_reader& keys, specification& spec) {
  spec.models = keys.text_axis("models", "[\"lsa\"]");
  spec.mixtures = keys.text_axis("mixtures", "[\"matched\"]");
  spec.n = keys.integer_axis("n", 1, "[10, 20, 40]");
  spec.repeats = static_cast<int>(keys.integer("repeats", 1, 1, 1'000'000));
  for (const std::int64_t n : spec.n) {
    if (n > most_examples) keys.problem("n", fmt::format("must be at most {}, got {}", most_examples, n));
  }
}

void read_test(table_reader& keys, specification& spec) {
  if (keys.find("k") == nullptr) keys.missing("k", "20");
  spec.steps = static_cast<int>(keys.integer("k", 0, 0, 1'000'000));
  spec.m = keys.integer_axis("m", 1, "1000");
  for (const std::int64_t m : spec.m) {
    if (m > most_examples) keys.problem("m", fmt::format("must be at most {}, got {}", most_examples, m));
  }
  if (keys.find("prompts") == nullptr) keys.missing("prompts", "1000");
  spec.prompts = static_cast<int>(keys.integer("prompts", 1, 1, most_examples));
  spec.sampler = word(keys, "sampler", sampler_words, spec.sampler);
  spec.baselines = keys.boolean("baselines", spec.baselines);
  keys.finish();
}

void read_theory(table_reader& keys, specification& spec) {
  constexpr int most = 1'000'000;
  spec.theory_draws = static_cast<int>(keys.integer("draws", spec.theory_draws, 0, most));
  spec.theory_most_draws = default_most_draws(spec.d, spec.steps, spec.theory_draws);
  spec.theory_most_draws = static_cast<int>(keys.integer("most_draws", spec.theory_most_draws, 0, most));
  if (spec.theory_most_draws < spec.theory_draws) {
    keys.problem("most_draws", fmt::format("is {}, but theory.draws = {} are taken at least", spec.theory_most_draws,
                                           spec.theory_draws));
  }
  spec.theory_rarest = keys.number("rarest", spec.theory_rarest);
  if (!(spec.theory_rarest > 0 && spec.theory_rarest <= 1)) {
    keys.problem("rarest", fmt::format("must be a share of draws, above 0 and at most 1, got {}", spec.theory_rarest));
  }
  keys.finish();
}

void read_hardness(table_reader& keys, specification& spec) {
  if (spec.target.spectrum) {
    if (keys.find("hardness") != nullptr) {
      keys.problem("hardness",
                   "is set although [target] has a spectrum of its own, which decides it; remove one of the two");
    }
    return;
  }
  spec.hardness = keys.number_axis("hardness", "[10.0, 30.0]");
  for (const double hardness : spec.hardness) {
    if (spec.d == 1 && hardness != 1) {
      keys.problem("hardness", fmt::format("has the value {}, but for task.d = 1 it is always 1", hardness));
    } else if (hardness < spec.d) {
      keys.problem("hardness",
                   fmt::format("has the value {}, but tr(Σ)/λ_min(Σ) is at least d = {}", hardness, spec.d));
    }
  }
}

void read_models(const toml::table* tables, table_reader& sweep, specification& spec, problem_list& problems) {
  const std::vector<std::string> defined = names_in(tables);
  const std::set<std::string> known = as_set(defined), wanted = as_set(spec.models);
  for (const std::string& model : spec.models) {
    if (known.contains(model)) continue;
    if (problems.full()) {
      problems.count();
      continue;
    }
    const std::string near = nearest(model, defined);
    sweep.problem("models", fmt::format("names \"{}\", but there is no [models.{}]{}", model, model,
                                        near.empty() ? "; add it" : fmt::format("; did you mean \"{}\"?", near)));
  }
  for (const std::string& model : defined) {
    table_reader keys(tables->get(model)->as_table(), "models." + model, problems);
    if (!keys.present()) {
      problems.add(tables->get(model), fmt::format("models.{} must be a table: write [models.{}]", model, model));
      continue;
    }
    model_specification table = read_model(keys);
    if (table.architecture == architecture_kind::gpt2 && spec.d > 0 && !spec.n.empty()) {
      require_curriculum(keys, "dimension", table.gpt2.dimension, spec.d, table.gpt2.steps);
      require_curriculum(keys, "examples", table.gpt2.examples, *std::max_element(spec.n.begin(), spec.n.end()),
                         table.gpt2.steps);
    }
    if (!wanted.contains(model)) continue;
    if (!table.initial_file.empty()) open_initial_weights(keys, spec, table);
    spec.model_tables[model] = table;
  }
}

void read_mixtures(const toml::table* tables, table_reader& sweep, specification& spec, problem_list& problems) {
  std::vector<std::string> known = built_in_mixtures();
  const std::set<std::string> built_in = as_set(known), wanted = as_set(spec.mixtures);
  for (const std::string& mixture : names_in(tables)) {
    if (built_in.contains(mixture)) {
      problems.add(tables->get(mixture), fmt::format("mixtures.{} is built in; choose another name", mixture));
      continue;
    }
    known.push_back(mixture);
    table_reader keys(tables->get(mixture)->as_table(), "mixtures." + mixture, problems);
    if (!keys.present()) {
      problems.add(tables->get(mixture),
                   fmt::format("mixtures.{} must be a table: write [mixtures.{}]", mixture, mixture));
      continue;
    }
    const mixture_specification table =
        keys.find("probabilities") != nullptr
            ? read_probabilities(keys, spec)
            : mixture_specification{.task = read_covariance(keys, spec, spec.target.basis, true), .probabilities = {}};
    if (wanted.contains(mixture)) spec.mixture_tables[mixture] = table;
  }
  const std::set<std::string> there = as_set(known);
  for (const std::string& mixture : spec.mixtures) {
    if (!there.contains(mixture)) {
      if (problems.full()) {
        problems.count();
        continue;
      }
      sweep.problem("mixtures",
                    fmt::format(R"(names "{}", but there is no such mixture; did you mean "{}"? (there are {}))",
                                mixture, nearest(mixture, known), shortened(listed(known), 500)));
    } else if (is_candidate_mixture(mixture) && spec.tasks.source == tasks_specification::kind::none) {
      sweep.problem("mixtures",
                    fmt::format("names \"{}\", a mixture of candidates, but there is no table [tasks]", mixture));
    }
  }
}

void read_task(table_reader& task, specification& spec) {
  if (task.find("d") == nullptr) task.missing("d", "10");
  spec.d = static_cast<int>(task.integer("d", 0, 1, most_dimensions));
  task.finish();
}

// Without a sweep, the file holds what selection needs, and the name and seed of one.
specification interpret(const toml::table& root, const std::string& source, const std::filesystem::path& directory,
                        bool with_sweep) {
  problem_list problems(source);
  specification spec;
  spec.directory = directory;
  table_reader top(&root, "", problems);

  table_reader task(subtable(top, "task"), "task", problems);
  read_task(task, spec);

  table_reader target(subtable(top, "target"), "target", problems);
  spec.target = read_covariance(target, spec, rotation::none, false);

  table_reader tasks(subtable(top, "tasks"), "tasks", problems);
  spec.tasks = read_tasks(tasks, spec);
  table_reader select(subtable(top, "select"), "select", problems);
  spec.selection = read_selection(select, spec.d);
  if (with_sweep && select.present() && spec.tasks.source == tasks_specification::kind::none) {
    top.problem("select", "has an effect together with [tasks] only; remove it");
  }

  table_reader sweep(subtable(top, "sweep"), "sweep", problems);
  spec.name = sweep.text("name", "sweep");
  spec.seed =
      sweep.integer("seed", 0, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
  if (with_sweep) {
    table_reader test(subtable(top, "test"), "test", problems);
    read_test(test, spec);
    table_reader theory(subtable(top, "theory"), "theory", problems);
    read_theory(theory, spec);
    read_sweep(sweep, spec);
    read_hardness(sweep, spec);
    read_models(subtable(top, "models"), sweep, spec, problems);
    read_mixtures(subtable(top, "mixtures"), sweep, spec, problems);
    for (const auto& [name, model] : spec.model_tables) require_testable(name, model, spec, test);
    require_countable(spec, sweep);
  }
  sweep.finish();
  top.finish();
  problems.raise();
  return spec;
}

// Covariances that are not quite what they should be; said where the user's file is read, not on every rank.
void warn_of_mended(const specification& spec) {
  if (!spec.target.notice.empty()) warn("{}", spec.target.notice);
  for (const auto& [name, mixture] : spec.mixture_tables) {
    if (!mixture.task.notice.empty()) warn("{}", mixture.task.notice);
  }
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
  const bool any = std::any_of(spec.model_tables.begin(), spec.model_tables.end(),
                               [](const auto& table) { return needs_examples(table.second); });
  return any ? sampler_method::explicit_examples : sampler_method::wishart;
}

bool needs_examples(const model_specification& model) { return make_model(model)->limits().needs_examples; }

specification parse_specification(const std::string& text, const std::string& source,
                                  const std::filesystem::path& directory, const std::vector<override_key>& overrides) {
  toml::table root = parse_text(text, source);
  for (const override_key& o : overrides) apply(root, o);
  return interpret(root, source, directory, true);
}

specification load_selection(const std::string& path, const std::vector<override_key>& overrides) {
  toml::table root = parse_text(read_regular_file(path, longest_specification), path);
  for (const override_key& o : overrides) apply(root, o);
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  const specification spec = interpret(root, path, directory, has_sweep(root));
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
