#include "cotscale/experiment/identity.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/base/hash.hpp"
#include "cotscale/config/field.hpp"
#include "cotscale/config/writer.hpp"
#include "cotscale/eval/baselines.hpp"
#include "cotscale/experiment/initial_weights.hpp"
#include "cotscale/experiment/models.hpp"
#include "cotscale/train/objective_part.hpp"
#include "cotscale/train/optimizer_part.hpp"
#include "declarations.hpp"

namespace cotscale {
namespace {

using namespace detail;
using config::writer;

// Some kinds of parts have a function, some a number, some none yet, which stands for 1.
template<class Part>
int version_of(const Part& part) {
  if constexpr (requires { part.version(); }) {
    return part.version();
  } else if constexpr (requires { part.version + 0; }) {
    return part.version;
  } else {
    return 1;
  }
}

template<class Part>
std::string word_of_part(const Part& part) {
  if constexpr (requires { part.word(); }) {
    return std::string(part.word());
  } else {
    return std::string(part.word);
  }
}

// A line that says which version of a part a cell is made of.
constexpr std::string_view version_line = "version ";
std::string version(std::string_view kind, std::string_view word, int number) {
  return fmt::format("{}{} {} {}\n", version_line, kind, word, number);
}
template<class Part>
std::string version(std::string_view kind, const Part& part) {
  return version(kind, word_of_part(part), version_of(part));
}

// Whether a canonical text sets a key to a word, in any of its tables.
bool has_word(const std::string& text, std::string_view key, const std::string& word) {
  return text.find(fmt::format("\n{} = {}\n", key, config::toml_of(word))) != std::string::npos;
}

// Of the parts of a list that a text names.
template<class Parts>
std::string versions_of(const std::string& text, std::string_view key, const Parts& parts) {
  std::string out;
  for (const auto* part : parts) {
    if (has_word(text, key, word_of_part(*part))) out += version(key, *part);
  }
  return out;
}

std::string versions_of(const covariance_specification& c) {
  return (c.spectrum ? version("spectrum", *c.spectrum) : "") + version("features", *c.features);
}

// What is the same for all models and mixtures. `baselines` are those that are computed, which may be more than this
// combination of varied keys alone would have.
std::string common_text(const specification& given, const std::vector<std::string>& baselines) {
  specification spec = given;
  spec.sampler = resolved_sampler(spec);
  writer out(writer::what::numbers);
  out.table("sweep");
  name_keys(out, spec);
  out.table("task");
  task_keys(out, spec);
  out.table("test");
  test_keys(out, spec);
  out.table("target");
  target_keys(out, spec.target, spec);
  std::string text =
      fmt::format("{}\nrandom numbers {}\n{}", out.text(), rng_name, version("numbers", "of-all", numbers_version));
  text += versions_of(spec.target) + version("weights", *spec.weights);
  for (const baseline* b : cotscale::baselines()) {
    const bool computed = std::find(baselines.begin(), baselines.end(), b->name) != baselines.end();
    if (computed) text += version("baseline", b->name, b->version);
  }
  return text;
}

std::string mixture_text(const specification& given, const std::string& mixture) {
  specification spec = given;
  writer out(writer::what::numbers);
  std::string versions;
  if (const auto own = spec.mixture_tables.find(mixture); own != spec.mixture_tables.end()) {
    out.table("mixture");
    mixture_keys(out, own->second, spec);
    if (own->second.probabilities.empty()) versions = versions_of(own->second.task);
  } else {
    out.table(mixture);
  }
  if (depends_on_candidates(spec, mixture)) {
    out.table("tasks");
    tasks_keys(out, spec.tasks, spec);
  }
  if (mixture == "exact") {
    out.table("select");
    selection_keys(out, spec.selection, spec.d);
  }
  return out.text() + versions;
}

std::string model_text(const specification& spec, const std::string& name) {
  model_specification table = spec.model_tables.at(name);
  writer out(writer::what::numbers);
  out.table("model");
  model_keys(out, table);
  const std::string& text = out.text();
  return text + version("architecture", word_of(table.architecture), version_of(*make_model(table))) +
         versions_of(text, "objective", objective_parts()) + versions_of(text, "optimizer", optimizer_parts()) +
         versions_of(text, "schedule", schedule_parts());
}

std::uint64_t number_of(std::string_view hexadecimal) {
  std::uint64_t out = 0;
  std::from_chars(hexadecimal.data(), hexadecimal.data() + hexadecimal.size(), out, 16);
  return out;
}

}  // namespace

cell_identities::cell_identities(const specification& spec, const coordinates& grid) : spec_(spec), grid_(grid) {
  for (std::size_t i = 0; i < variant_count(spec); ++i) variants_.push_back(blocks_of(variant_of(spec, i)));
}

cell_identities::block cell_identities::block_of(std::string text) {
  std::string sum = cotscale::sha256(text);
  return {.text = std::move(text), .sha256 = std::move(sum)};
}

cell_identities::blocks cell_identities::blocks_of(const specification& spec) const {
  blocks out{.common = block_of(common_text(spec, grid_.baselines)), .models = {}, .mixtures = {}};
  for (const std::string& model : spec.models) out.models.emplace(model, block_of(model_text(spec, model)));
  for (const std::string& mixture : spec.mixtures) {
    out.mixtures.emplace(mixture, block_of(mixture_text(spec, mixture)));
  }
  return out;
}

std::string cell_identities::own_lines(const cell& c) const {
  const specification& spec = variant_of(spec_, c.variant);
  std::string text = fmt::format("n = {}\nrepeat = {}\n", c.n, c.repeat);
  if (!spec.target.spectrum) text += fmt::format("hardness = {}\n", config::toml_of(c.hardness));
  const model_specification& model = spec.model_tables.at(c.model);
  if (model.initial) text += fmt::format("initial weights {}\n", model.initial->source_of(c, model.initial_model));
  return text;
}

std::string cell_identities::text(const cell& c) const {
  const blocks& shared = variants_.at(c.variant);
  return shared.common.text + shared.models.at(c.model).text + shared.mixtures.at(c.mixture).text + own_lines(c);
}

cell_identity cell_identities::of(const cell& c) const {
  const blocks& shared = variants_.at(c.variant);
  const std::string sum =
      cotscale::sha256(fmt::format("{}\n{}\n{}\n{}", shared.common.sha256, shared.models.at(c.model).sha256,
                                   shared.mixtures.at(c.mixture).sha256, own_lines(c)));
  constexpr std::size_t half = 16;
  return {.high = number_of(std::string_view(sum).substr(0, half)),
          .low = number_of(std::string_view(sum).substr(half, half))};
}

std::vector<cell_identity> cell_identities::all() const {
  std::vector<cell_identity> out(grid_.cell_count());
  for (const std::size_t number : cells_asked_for(spec_, grid_)) out[number] = of(make_cell(grid_, number));
  return out;
}

std::string cell_identities::versions() const {
  std::set<std::string> words;
  const auto add = [&](const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const std::string_view line = std::string_view(text).substr(at, end - at);
      if (line.starts_with(version_line)) words.emplace(line.substr(version_line.size()));
      at = end + 1;
    }
  };
  for (const blocks& shared : variants_) {
    add(shared.common.text);
    for (const auto& [name, b] : shared.models) add(b.text);
    for (const auto& [name, b] : shared.mixtures) add(b.text);
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace cotscale
