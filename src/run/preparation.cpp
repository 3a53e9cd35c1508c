#include "preparation.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "cotscale/base/descriptor.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/random.hpp"
#include "cotscale/config/differences.hpp"
#include "cotscale/experiment/cost_model.hpp"
#include "cotscale/experiment/identity.hpp"
#include "cotscale/experiment/inputs.hpp"
#include "cotscale/experiment/matrices.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale::detail {
namespace {

// Throws unless the file holds results of this specification, made with the same random numbers.
void require_same_sweep(const results_reader& file, const std::string& path, const std::string& config_toml,
                        const provenance& attributes) {
  const std::vector<std::string> lines = differences(file.config_toml(), config_toml);
  if (!lines.empty()) {
    throw mismatch_error(fmt::format(
        "{}: holds the results of another specification:\n  {}\n  Choose another --output, or give --overwrite to "
        "discard these results",
        path, fmt::join(lines, "\n  ")));
  }
  if (file.attribute("rng") != rng_name) {
    throw mismatch_error(
        fmt::format("{}: was made with the random numbers {}, this cotscale has {}; finish it with the version "
                    "that began it ({}), or give --overwrite to discard its results",
                    path, file.attribute("rng"), rng_name, file.attribute("git_sha")));
  }
  for (const char* key : {"cotscale_version", "git_sha", "compiler", "compiler_flags", "matrix_products"}) {
    const auto& now =
        std::find_if(attributes.begin(), attributes.end(), [&](const auto& a) { return a.first == key; })->second;
    if (file.attribute(key) == std::get<std::string>(now)) continue;
    warn("{} was begun by another build ({}: {}, now {}): the last bits of results may differ between them", path, key,
         file.attribute(key), std::get<std::string>(now));
  }
  if (const std::string core = file.attribute("openblas_corename"); core != blas_core_name()) {
    warn("{} was begun on a CPU of type {}, this one is {}: the last bits of results differ between them", path, core,
         blas_core_name());
  }
}

// The same keys do not mean the same numbers where an input file is another, or a part has another version.
void require_same_cells(const results_reader& file, const std::string& path, const coordinates& grid,
                        const cell_identities& cells) {
  const std::vector<cell_identity> before = file.identities(), now = cells.all();
  const auto [first, unused] = std::mismatch(before.begin(), before.end(), now.begin(), now.end());
  if (first == before.end()) return;
  const auto number = static_cast<std::size_t>(first - before.begin());
  throw mismatch_error(fmt::format(
      "{}: holds cells of other numbers, the first of them {}: a file that the specification names has changed, or a "
      "part of the program (in the file {}; now {})\n  Choose another --output, or give --overwrite to discard these "
      "results",
      path, describe(make_cell(grid, number)), file.attribute("part_versions"), cells.versions()));
}

std::vector<task_item> unfinished(const results_reader& file, const std::string& path) {
  const std::vector<cell_status> status = file.statuses();
  const std::vector<std::int32_t> attempts = file.attempts();
  const std::vector<std::size_t> damaged = file.damaged_cells();
  if (!damaged.empty()) {
    warn("{}: {} cells have a wrong checksum and are computed again", path, damaged.size());
  }
  std::vector<task_item> items;
  items.reserve(status.size());
  for (std::size_t number = 0; number < status.size(); ++number) {
    const bool is_damaged = std::binary_search(damaged.begin(), damaged.end(), number);
    if (status[number] == cell_status::done && !is_damaged) continue;
    if (status[number] == cell_status::not_asked) continue;
    items.push_back(
        {.number = number, .seconds = 0, .previous_attempts = attempts[number], .damaged = is_damaged ? 1 : 0});
  }
  return items;
}

// Largest estimated cost first.
work_list schedule(const specification& spec, const coordinates& grid, const std::vector<task_item>& items, int ranks) {
  cost_model costs(spec);
  std::vector<double> estimates;
  estimates.reserve(items.size());
  for (const task_item& item : items) {
    estimates.push_back(costs.estimate(make_cell(grid, item.number), thread_count()).seconds);
  }
  work_list list;
  std::vector<double> ordered;
  for (const std::size_t i : largest_first(estimates)) {
    list.items.push_back(items[i]);
    list.items.back().seconds = estimates[i];
    ordered.push_back(estimates[i]);
  }
  list.chunks = make_chunks(ordered, ranks);
  return list;
}

results_content content_of(const specification& spec, const coordinates& grid,
                           const std::shared_ptr<const results_schema>& schema, const cell_identities& cells) {
  results_content content = make_content(grid, schema);
  content.identities = cells.all();
  add_covariances(spec, grid, content);
  content.inputs = read_inputs(spec);
  if (spec.axes.empty()) return content;
  for (std::size_t i = 0; i < grid.cell_count(); ++i) content.asked.push_back(is_asked_for(spec, grid, i));
  return content;
}

}  // namespace

void require_writable(const std::string& output, bool overwrite) {
  require_output_directory(output);
  if (std::filesystem::is_directory(output)) {
    throw io_error(fmt::format("{}: is a directory; --output names a file, such as {}/results.h5", output, output));
  }
  if (!std::filesystem::exists(output)) return;
  if (access(output.c_str(), W_OK) != 0) {
    throw io_error(
        fmt::format("{}: you may not write it ({}); change its mode, or choose another --output", output, reason()));
  }
  if (overwrite && !is_results_file(output)) {
    throw mismatch_error(fmt::format(
        "{}: not a readable results file of cotscale, and --overwrite replaces no others; move it away yourself",
        output));
  }
}

work_list prepare(const specification& spec, const coordinates& grid,
                  const std::shared_ptr<const results_schema>& schema, const run_options& options,
                  const communicator& all, provenance attributes) {
  const std::string config = to_toml(spec);
  const cell_identities identities(spec, grid);
  attributes.emplace_back("part_versions", identities.versions());
  const bool resumed = std::filesystem::exists(options.output) && !options.overwrite;
  if (!resumed) create_results(options.output, content_of(spec, grid, schema, identities), config, attributes);
  const results_reader file(options.output);
  if (resumed) {
    require_same_sweep(file, options.output, config, attributes);
    require_same_cells(file, options.output, grid, identities);
    if (const std::size_t damaged = clear_damaged_failures(options.output); damaged > 0) {
      warn("{}: {} messages of failed cells were damaged and are removed", options.output, damaged);
    }
  }
  work_list list = schedule(spec, grid, unfinished(file, options.output), all.size());
  const std::vector<cell_status> status = file.statuses();
  const auto cells = static_cast<std::size_t>(
      std::count_if(status.begin(), status.end(), [](cell_status s) { return s != cell_status::not_asked; }));
  log("cotscale: {}: {} cells{}, {} ranks × {} threads → {}\n", spec.name, cells,
      resumed ? fmt::format(" ({} done before)", cells - list.items.size()) : "", all.size(), thread_count(),
      options.output);
  if (const auto pending = list.items.size(); pending > 0 && static_cast<std::size_t>(all.size()) > pending) {
    warn("{} ranks for {} cells: {} of them have nothing to do", all.size(), pending,
         static_cast<std::size_t>(all.size()) - pending);
  }
  return list;
}

}  // namespace cotscale::detail
