// cotscale select.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "commands.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/patience.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/sweep/provenance.hpp"
#include "cotscale/sweep/resources.hpp"
#include "cotscale/sweep/schedule.hpp"
#include "cotscale/sweep/selection.hpp"

namespace cotscale::app {
namespace {

void require_selection_output(const std::string& output, bool overwrite) {
  require_output_directory(output);
  if (!std::filesystem::exists(output)) return;
  if (!overwrite) {
    throw mismatch_error(
        fmt::format("{}: exists already; choose another --output, or give --overwrite to replace it", output));
  }
  if (!is_selection_file(output)) {
    throw mismatch_error(fmt::format(
        "{}: not a selection of cotscale, and --overwrite replaces no other file; move it away yourself", output));
  }
}

double mean_over_draws(const selection_results& results, double (*value)(const selection_record&)) {
  double sum = 0;
  for (const selection_record& r : results.draws) sum += value(r);
  return sum / static_cast<double>(results.draws.size());
}

void show_selection(const selection_results& results) {
  const auto draws = static_cast<double>(results.draws.size());
  print("{:<24}{:>18}{:>12}{:>12}\n", "task", "support hardness", "quadratic", "exact");
  constexpr std::size_t most = 50;
  for (std::size_t i = 0; i < std::min(most, results.tasks.size()); ++i) {
    std::array<double, 2> p{};
    for (const selection_record& r : results.draws) {
      for (std::size_t s = 0; s < p.size(); ++s) p[s] += r.probability[s][i] / draws;
    }
    print("{:<24}{:>18.4g}{:>12.4f}{:>12.4f}\n", results.tasks[i], results.support_hardness[i], p[0], p[1]);
  }
  if (results.tasks.size() > most) print("... {} more tasks in the file\n", results.tasks.size() - most);
  print("{:<42}{:>12.5g}{:>12.5g}\n", "objective of the quadratic programme",
        mean_over_draws(results, [](const selection_record& r) { return r.objective[0][0]; }),
        mean_over_draws(results, [](const selection_record& r) { return r.objective[1][0]; }));
  print("{:<42}{:>12.5g}{:>12.5g}\n", "objective of the exact problem",
        mean_over_draws(results, [](const selection_record& r) { return r.objective[0][1]; }),
        mean_over_draws(results, [](const selection_record& r) { return r.objective[1][1]; }));
  double worst = 0;
  for (const selection_record& r : results.draws) worst = std::max(worst, r.kkt_residual);
  print("largest relative KKT residual {:.2g}{}\n", worst,
        results.draws.size() > 1 ? fmt::format("; means over {} draws of the tasks", results.draws.size()) : "");
}

}  // namespace

exit_code select(const select_arguments& arguments) {
  require_openmp_blas();
  require_one_process("select");
  use_own_cores();
  require_blas_buffers(thread_count());
  const patience sign_of_life("select");
  const std::string output = resolved_path(arguments.output);
  require_selection_output(output, arguments.overwrite);
  const specification spec = load_selection(arguments.specification, parse_overrides(arguments.overrides));
  require_memory(least_bytes(spec), "The choice among these tasks");
  const selection_results results = select_tasks(spec, {});
  const std::string config = selection_to_toml(spec);
  write_selection(output, results, config,
                  collect_provenance(std::string(selection_title) + ": " + spec.name, spec.seed, config,
                                     arguments.command_line, 1));
  show_selection(results);
  return exit_code::done;
}

}  // namespace cotscale::app
