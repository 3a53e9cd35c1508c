#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "best_k.hpp"
#include "cotscale/base/output.hpp"
#include "cotscale/store/results_file.hpp"

namespace cotscale::detail {
namespace {

void report_theory(const results_reader& file, const std::vector<cell_status>& status, int prompts) {
  constexpr double threshold = 4;
  constexpr int few_prompts = 1000;
  const coordinates& grid = file.grid();
  const std::vector<double> z = file.first_z_scores();
  const std::size_t each = z.size() / status.size();
  const std::size_t steps = each / grid.m.size();
  std::size_t compared = 0, disagreeing = 0;
  double largest = 0;
  std::string where;
  for (std::size_t number = 0; number < status.size(); ++number) {
    if (status[number] != cell_status::done) continue;
    bool has_theory = false, disagrees = false;
    for (std::size_t i = 0; i < each; ++i) {
      const double value = z[number * each + i];
      if (std::isnan(value)) continue;
      has_theory = has_theory || i % steps > 0;  // k = 0 tests nothing but the prompts
      disagrees = disagrees || std::abs(value) > threshold;
      if (std::abs(value) <= std::abs(largest)) continue;
      largest = value;
      where = fmt::format("{}, m {}, k {}", describe(make_cell(grid, number)), grid.m[i / steps], grid.k[i % steps]);
    }
    compared += has_theory ? 1 : 0;
    disagreeing += disagrees ? 1 : 0;
  }
  if (compared == 0 && disagreeing == 0) {
    print("theory: no cell has an exact error beyond k = 0\n");
    return;
  }
  print("theory: {} of {} cells disagree with theory_error (|z| > {})", disagreeing, compared, threshold);
  if (!where.empty()) print("; largest z = {:.2f} at {}", largest, where);
  print("\n");
  if (disagreeing > 0 && prompts < few_prompts) {
    print(
        "        ({} prompts are few: errors are skewed, and z-scores of so short means reach further than normal "
        "ones)\n",
        prompts);
  }
}

}  // namespace

exit_code report(const specification& spec, const run_options& options, const work_list& list,
                 const run_totals& totals) {
  const results_reader file(options.output);
  const std::vector<cell_status> status = file.statuses();
  const auto count = [&](cell_status s) { return std::count(status.begin(), status.end(), s); };
  const std::vector<std::int8_t> converged = file.converged();
  const auto done = count(cell_status::done);
  print("{}: {} of {} cells done ({} before this run), {} failed, {} pending, {} not converged, in {:.1f} s\n",
        spec.name, done, status.size(), status.size() - list.items.size(), count(cell_status::failed),
        count(cell_status::pending), std::count(converged.begin(), converged.end(), 0), totals.elapsed);
  const time_use& total = totals.time;
  if (const double all_time = total.computing + total.waiting + total.storing + total.idle; all_time > 0) {
    print(
        "time: {:.1f} % computing, {:.2f} % waiting for cells, {:.2f} % storing, {:.1f} % idle at the end, of {} "
        "ranks\n",
        100 * total.computing / all_time, 100 * total.waiting / all_time, 100 * total.storing / all_time,
        100 * total.idle / all_time, totals.ranks);
  }
  report_theory(file, status, spec.prompts);
  report_best_k(file, status, spec.prompts);
  flush_output();
  if (totals.passed_over > 0) {
    log("cotscale: {} cells were not begun: by estimate, --max-time left too little for them\n", totals.passed_over);
  }
  if (totals.finished < static_cast<std::int64_t>(list.items.size())) {
    log("cotscale: stopped early; the same command resumes\n");
    return exit_code::stopped_early;
  }
  if (count(cell_status::failed) > 0) {
    log("cotscale: some cells failed; the same command tries them again\n");
    return exit_code::failed_cells;
  }
  return exit_code::done;
}

}  // namespace cotscale::detail
