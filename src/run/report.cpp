#include "report.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/experiment/best_k.hpp"
#include "cotscale/experiment/verdict.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale::detail {
namespace {

sweep_scores read_scores(const results_reader& file, const coordinates& grid, const std::vector<cell_status>& status,
                         const specification& spec) {
  const std::vector<std::int8_t> converged = file.converged();
  sweep_scores out = scores_of(spec, grid);
  out.exact_z = file.first_steps("exact_z", 2);
  out.simulated_z = file.first_steps("simulated_z", most_compared_steps + 1);
  out.paired_distance = file.first_steps("paired_distance", paired_steps + 1);
  for (std::size_t i = 0; i < converged.size(); ++i) {  // over (cells, stages)
    const bool done = status[i / grid.stage_count()] == cell_status::done;
    out.counts.push_back(done && converged[i] != 0 ? 1 : 0);
  }
  return out;
}

std::string describe(const coordinates& grid, const score_place& place) {
  return fmt::format("{}, m {}, k {}", describe(grid, place.cell, place.stage), grid.m[place.m], grid.k[place.k]);
}

void report_decisions(const coordinates& grid, std::string_view what, const decisions& made) {
  if (made.made == 0) return;
  print("theory, {}: {} of {} decisions flagged; chance gives {:.2g}, in 99 of 100 right sweeps at most {}", what,
        made.flagged, made.made, made.expected, made.limit);
  print("; largest score {:.2f} at {}\n", made.score, describe(grid, made.where));
}

// Scores and what they are held against: docs/theory.md.
void report_theory(const specification& spec, const coordinates& grid, const sweep_verdict& verdict) {
  report_decisions(grid, "first step by sets of test prompts", verdict.first);
  report_decisions(grid, "all steps over all repeats", verdict.repeated);
  if (verdict.first.alarming() || verdict.repeated.alarming()) {
    print("theory: MEASURED ERRORS DISAGREE with theory by more than chance explains\n");
  } else if (verdict.first.made > 0) {
    print("theory: measured errors agree with theory\n");
  }
  if (!spec.target.features->has_finite_variance()) {
    print(
        "theory: the error of one step has no finite variance for these features, so that its mean has no score; it is "
        "held against simulated errors only\n");
  }
  const trained_maps& maps = verdict.maps;
  if (maps.compared > 0) {
    print("theory: {} of {} trained maps differ from the exact one, on the same prompts, by more than their tolerance",
          maps.differing, maps.compared);
    if (maps.differing > 0) print("; most, {:.2g} times, at {}", maps.ratio, describe(grid, maps.where));
    print("\n");
  }
}

// Cells that are done, and whose verdict is this after any of their stages; `verdicts` are over (cells, stages).
std::size_t count_done(const std::vector<cell_status>& status, const std::vector<std::int8_t>& verdicts,
                       std::int8_t verdict) {
  std::size_t count = 0;
  const auto stages = static_cast<std::ptrdiff_t>(verdicts.size() / status.size());
  for (std::size_t i = 0; i < status.size(); ++i) {
    const auto first = verdicts.begin() + static_cast<std::ptrdiff_t>(i) * stages;
    if (status[i] == cell_status::done && std::find(first, first + stages, verdict) != first + stages) ++count;
  }
  return count;
}

// The first few messages, each with the first of its cells; `cotscale status` tells more of them.
void report_failures(const results_reader& file, const coordinates& grid) {
  constexpr std::size_t most = 5;
  std::vector<std::pair<failure, std::size_t>> distinct;  // and how many cells have the message
  for (failure& f : file.failures()) {
    const auto same = std::find_if(distinct.begin(), distinct.end(),
                                   [&](const auto& known) { return known.first.message == f.message; });
    if (same != distinct.end()) {
      ++same->second;
    } else {
      distinct.emplace_back(std::move(f), 1);
    }
  }
  for (std::size_t i = 0; i < std::min(most, distinct.size()); ++i) {
    const auto& [first, cells] = distinct[i];
    log("cotscale: failed: {}{}: {}\n", describe(make_cell(grid, static_cast<std::size_t>(first.cell))),
        cells > 1 ? fmt::format(" and {} more", cells - 1) : "", first.message);
  }
  if (distinct.size() > most) {
    log("cotscale: failed: {} other messages, which `cotscale status` tells\n", distinct.size() - most);
  }
  if (const std::size_t others = file.failures_without_message(); others > 0) {
    log("cotscale: failed: {} more cells, for whose messages the file has no room\n", others);
  }
}

}  // namespace

exit_code report(const specification& spec, const run_options& options, const work_list& list,
                 const run_totals& totals) {
  const results_reader file(options.output);
  if (file.config_toml() != to_toml(spec)) {
    throw io_error(
        fmt::format("{}: is no longer the file of this run; somebody has put another in its place", options.output));
  }
  const std::vector<cell_status> status = file.statuses();
  const auto count = [&](cell_status s) { return std::count(status.begin(), status.end(), s); };
  const auto done = count(cell_status::done);
  const std::size_t cells = status.size() - static_cast<std::size_t>(count(cell_status::not_asked));
  const std::size_t diverged = count_done(status, file.training_diverged(), 1);
  print("{}: {} of {} cells done ({} before this run), {} failed, {} pending, {} not converged{}, in {:.1f} s\n",
        spec.name, done, cells, cells - list.items.size(), count(cell_status::failed), count(cell_status::pending),
        count_done(status, file.converged(), 0), diverged > 0 ? fmt::format(", {} of them diverged", diverged) : "",
        totals.elapsed);
  const time_use& total = totals.time;
  if (const double all_time = total.computing + total.waiting + total.storing + total.idle; all_time > 0) {
    print(
        "time: {:.1f} % computing, {:.2f} % waiting for cells, {:.2f} % storing, {:.1f} % idle at the end, of {} "
        "ranks\n",
        100 * total.computing / all_time, 100 * total.waiting / all_time, 100 * total.storing / all_time,
        100 * total.idle / all_time, totals.ranks);
  }
  const coordinates grid = read_coordinates(file);
  report_theory(spec, grid, judge(read_scores(file, grid, status, spec)));
  report_best_k(file, status, spec.prompts);
  flush_output();
  if (totals.passed_over > 0) {
    log("cotscale: {} cells were not begun: by estimate, --max-time left too little for them\n", totals.passed_over);
  }
  if (totals.finished < static_cast<std::int64_t>(list.items.size())) {
    log("cotscale: stopped early; the same command resumes\n");
    return exit_code::stopped_early;
  }
  if (count(cell_status::pending) > 0) {
    log("cotscale: cells are pending that this run has computed: something else has written or replaced {}; the same "
        "command computes them\n",
        options.output);
    return exit_code::stopped_early;
  }
  if (count(cell_status::failed) > 0) {
    report_failures(file, grid);
    log("cotscale: some cells failed; the same command tries them again\n");
  }
  if (diverged > 0) {
    log("cotscale: training diverged in {} cells (training_diverged = 1 in the file), {}\n", diverged,
        options.allow_diverged
            ? "which --allow-diverged accepts"
            : "whose results are of no trained model: lower learning_rate or step_size, or accept them "
              "with --allow-diverged");
  }
  if (count(cell_status::failed) > 0 || (diverged > 0 && !options.allow_diverged)) return exit_code::failed_cells;
  return exit_code::done;
}

}  // namespace cotscale::detail
