// What scheduling and storing cost, beside the same cells in a plain loop that is dealt its cells beforehand and stores
// nothing: for spinning cells of 1 s, and for 10,000 real cells that take next to no time.
#include <fmt/format.h>
#include <sys/resource.h>

#include <filesystem>
#include <vector>

#include "bench.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/comm/environment.hpp"
#include "cotscale/linalg/blas.hpp"
#include "spinning.hpp"

using namespace cotscale;

namespace {

double time_of(int who) {
  rusage use{};
  getrusage(who, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

// CPU time of this rank's other threads: answering for cells, touching the lock, waiting for signals.
double helper_seconds() { return time_of(RUSAGE_SELF) - time_of(RUSAGE_THREAD); }

double sweep_seconds(const specification& spec, const communicator& all, const cell_function& compute) {
  const std::string output = "bench_overhead.h5";
  all.barrier();
  const double start = bench::wall_seconds();
  {
    const bench::quiet no_report;
    run_sweep(
        spec,
        {.output = output, .overwrite = true, .progress = progress_mode::none, .max_time = {}, .command_line = "bench"},
        all, compute);
  }
  all.barrier();
  const double taken = bench::wall_seconds() - start;
  if (all.is_root()) std::filesystem::remove(output);
  return all.max(taken);
}

double plain_seconds(const coordinates& grid, const communicator& all, const cell_function& compute) {
  all.barrier();
  const double start = bench::wall_seconds();
  const auto step = static_cast<std::size_t>(all.size());
  for (auto number = static_cast<std::size_t>(all.rank()); number < grid.cell_count(); number += step) {
    compute(make_cell(grid, number), {});
  }
  all.barrier();
  return all.max(bench::wall_seconds() - start);
}

void one_second_cells(const communicator& all) {
  const double cell_seconds = bench::sized(1.0, 0.05);
  const int cells_per_rank = bench::sized(20, 3);
  const int repetitions = bench::sized(2, 1);
  const specification spec = bench::spinning_cells(cells_per_rank * all.size(), cell_seconds);
  const coordinates grid = make_coordinates(spec);
  const cell_values blank = bench::blank_result(grid);
  std::vector<double> between, whole, helpers;
  for (int i = 0; i < repetitions; ++i) {
    bench::timeline when;
    const double helpers_before = helper_seconds();
    const double sweep = sweep_seconds(spec, all, [&](const cell&, const std::stop_token&) {
      when.compute(cell_seconds);
      return blank;
    });
    helpers.push_back(all.max((helper_seconds() - helpers_before) / sweep));
    const double plain = plain_seconds(grid, all, [&](const cell&, const std::stop_token&) {
      bench::spin(cell_seconds);
      return blank;
    });
    between.push_back(all.sum(when.idle_share()) / all.size());
    whole.push_back(sweep / plain - 1);
  }
  if (!all.is_root()) return;
  fmt::print("{} cells of {} s, k = 0 … 30, 3 m, {} ranks, {} runs:\n", grid.cell_count(), cell_seconds, all.size(),
             repetitions);
  fmt::print("  between cells (handing out, storing)        {:7.3f} % of the run\n", 100 * bench::median(between));
  fmt::print("  CPU time of the rank's other threads        {:7.3f} % of a core, at most\n",
             100 * bench::median(helpers));
  fmt::print("  whole run over the plain loop (file, report) {:6.3f} % longer\n", 100 * bench::median(whole));
}

void trivial_cells(const communicator& all) {
  const specification spec = parse_specification(
      "[sweep]\nname = 'trivial'\nseed = 1\nmodels = ['lsa']\nmixtures = ['matched']\n"
      "hardness = [2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5]\nn = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\nrepeats = "
      "100\n"
      "[task]\nd = 2\n[test]\nk = 4\nm = 20\nprompts = 64\n[models.lsa]\narchitecture = 'lsa'\n",
      "trivial.toml", ".", {{"sweep.repeats", bench::sized("100", "5")}});
  const coordinates grid = make_coordinates(spec);
  const int repetitions = bench::sized(7, 1);
  std::vector<double> seconds, ratio;
  const blas_threads one(1);
  for (int i = 0; i < repetitions; ++i) {
    cell_computer computer(spec, grid);  // shares between cells what a run shares
    const double plain =
        plain_seconds(grid, all, [&](const cell& c, const std::stop_token& stop) { return computer.compute(c, stop); });
    seconds.push_back(sweep_seconds(spec, all, {}));
    ratio.push_back(seconds.back() / plain);
  }
  if (!all.is_root()) return;
  constexpr double limit = 10;
  fmt::print("{} trivial cells, {} ranks, medians of {} runs:\n", grid.cell_count(), all.size(), repetitions);
  fmt::print("  run_sweep takes {:.2f} times as long as the plain loop, and {:.2f} times the limit of {} s\n",
             bench::median(ratio), bench::median(seconds) / limit, limit);
}

}  // namespace

int main(int argc, char** argv) {
  return with_mpi(argc, argv, [&](const communicator& all) {
    trivial_cells(all);
    one_second_cells(all);
    return exit_code::done;
  });
}
