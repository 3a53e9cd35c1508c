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
#include "declarations.hpp"

namespace cotscale {
namespace {

using namespace detail;
using config::version_line;
using config::writer;

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
  std::string text = fmt::format("{}\nrandom numbers {}\n{}", out.text(), rng_name,
                                 version_line("numbers", "of-all", numbers_version));
  for (const baseline* b : cotscale::baselines()) {
    const bool computed = std::find(baselines.begin(), baselines.end(), b->name) != baselines.end();
    if (computed) text += version_line("baseline", b->name, b->version);
  }
  return text;
}

std::string mixture_text(const specification& given, const std::string& mixture) {
  specification spec = given;
  writer out(writer::what::numbers);
  if (const auto own = spec.mixture_tables.find(mixture); own != spec.mixture_tables.end()) {
    out.table("mixture");
    mixture_keys(out, own->second, spec);
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
  return out.text();
}

std::string model_text(const specification& spec, const std::string& name) {
  model_specification table = spec.model_tables.at(name);
  writer out(writer::what::numbers);
  out.table("model");
  model_keys(out, table);
  std::string mixtures;
  for (training_stage& stage : table.stages) {
    out.list_table("model.stages");
    stage_keys(out, stage);
    mixtures += fmt::format("\nstage of {}\n", stage.mixture.empty() ? "the cell" : mixture_text(spec, stage.mixture));
  }
  return out.text() + mixtures;
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
  if (!has_own_covariance(spec.target)) text += fmt::format("hardness = {}\n", config::toml_of(c.hardness));
  const model_specification& model = spec.model_tables.at(c.model);
  if (model.initial) text += fmt::format("initial weights {}\n", model.initial->source_of(c, model.stored.model));
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
      if (line.starts_with(config::version_mark)) words.emplace(line.substr(config::version_mark.size()));
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
