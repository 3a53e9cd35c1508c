// cotscale select.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "commands.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/patience.hpp"
#include "cotscale/experiment/inputs.hpp"
#include "cotscale/experiment/selection.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/run/provenance.hpp"
#include "cotscale/run/requirements.hpp"
#include "cotscale/run/resources.hpp"
#include "cotscale/select/judged.hpp"

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

// "88", or "88 to 176" where the draws of the tasks differ, or "no".
std::string draws_of(const selection_results& results, int selection_record::*member) {
  const auto [least, most] =
      std::minmax_element(results.draws.begin(), results.draws.end(),
                          [member](const auto& a, const auto& b) { return a.*member < b.*member; });
  if ((*most).*member == 0) return "no";
  if ((*least).*member == (*most).*member) return fmt::format("{}", (*least).*member);
  return fmt::format("{} to {}", (*least).*member, (*most).*member);
}

// How far the exact problem's solution can be trusted, and what to do about it.
void show_trust(const selection_results& results) {
  const std::size_t all = results.draws.size();
  const auto count = [&](auto holds) {
    return static_cast<std::size_t>(std::count_if(results.draws.begin(), results.draws.end(), holds));
  };
  const auto of_all = [&](std::size_t some) {
    return all == 1 ? std::string() : fmt::format(" in {} of {} draws of the tasks", some, all);
  };
  const auto steepest = std::max_element(results.draws.begin(), results.draws.end(),
                                         [](const auto& a, const auto& b) { return a.stationarity < b.stationarity; });
  const std::size_t unsettled = count([](const selection_record& r) { return !r.settled; });
  const std::size_t steep = count([](const selection_record& r) { return r.stationarity > largest_stationarity; });
  const std::size_t kept = count([](const selection_record& r) { return !r.descended; });
  const std::size_t rare = count([](const selection_record& r) { return r.value[1].tail_share > rare_tail_share; });
  print("exact problem: {} draws of the descent, {} fresh ones; slope of ln F towards the best task {:.2g} at most\n",
        draws_of(results, &selection_record::samples), draws_of(results, &selection_record::fresh_samples),
        steepest->stationarity);
  if (steep > 0) {
    print("not stationary{}: the descent ended with a slope above {:g}\n", of_all(steep), largest_stationarity);
  }
  if (kept > 0) {
    print("a mixture that the descent began with is kept{}: it is no worse on fresh draws\n", of_all(kept));
  }
  if (unsettled > 0) {
    print(
        "not settled{}: select.max_samples was reached before training and fresh draws agreed to {:g} %; raise it, or\n"
        "take the standard error as it is\n",
        of_all(unsettled), 100 * selection_accuracy);
  }
  if (rare > 0) {
    print(
        "rare draws rule the mean{}: a hundredth of them makes more than half of it; most prompts are at the median\n",
        of_all(rare));
  }
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
  print("{:<42}{:>12.2g}{:>12.2g}\n", "  standard error, on fresh draws",
        mean_over_draws(results, [](const selection_record& r) { return r.value[0].standard_error; }),
        mean_over_draws(results, [](const selection_record& r) { return r.value[1].standard_error; }));
  print("{:<42}{:>12.5g}{:>12.5g}\n", "  median over the fresh draws",
        mean_over_draws(results, [](const selection_record& r) { return r.value[0].median; }),
        mean_over_draws(results, [](const selection_record& r) { return r.value[1].median; }));
  double worst = 0;
  for (const selection_record& r : results.draws) worst = std::max(worst, r.kkt_residual);
  print("largest relative KKT residual {:.2g}{}\n", worst,
        results.draws.size() > 1 ? fmt::format("; means over {} draws of the tasks", results.draws.size()) : "");
  show_trust(results);
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
  require_none_is(output, inputs_named_in(selection_to_toml(spec)), spec.directory);
  require_selection_possible(spec, thread_count());
  const selection_results results = select_tasks(spec, {});
  const std::string config = selection_to_toml(spec);
  write_selection(output, results, config,
                  collect_provenance(std::string(selection_title) + ": " + spec.name, spec.seed, config,
                                     arguments.command_line, 1));
  show_selection(results);
  return exit_code::done;
}

}  // namespace cotscale::app
