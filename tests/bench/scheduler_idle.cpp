// `scheduler_idle WHO ROOT OTHER SECONDS`: how long the other ranks wait for their next cell while rank 0 computes
// cells of ROOT seconds without entering MPI, and the others cells of OTHER seconds. WHO hands out: `run_sweep`, its
// `ticket_counter` alone, or, as the peer, a `one_sided` counter at rank 0 (MPI_Fetch_and_op). Prints the share of time
// and the longest wait. See scheduler_idle.py.
#include <fmt/format.h>
#include <mpi.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "bench.hpp"
#include "cotscale/comm/environment.hpp"
#include "cotscale/comm/native.hpp"
#include "cotscale/comm/ticket_counter.hpp"
#include "spinning.hpp"

using namespace cotscale;

namespace {

struct setting {
  double root_cell, other_cell, total;  ///< seconds
  double cell_of(const communicator& all) const { return all.is_root() ? root_cell : other_cell; }
};

bench::timeline sweep(const setting& s, const communicator& all) {
  const double cells_a_second = 1 / s.root_cell + (all.size() - 1) / s.other_cell;
  const specification spec = bench::spinning_cells(static_cast<int>(s.total * cells_a_second), s.other_cell);
  const cell_values blank = bench::blank_result(make_coordinates(spec));
  const run_options options{.output = "bench_scheduler_idle.h5",
                            .overwrite = true,
                            .progress = progress_mode::none,
                            .max_time = {},
                            .command_line = "scheduler_idle"};
  bench::timeline when;
  {
    const bench::quiet no_report;
    run_sweep(spec, options, all, [&](const cell&, const std::stop_token&) {
      when.compute(s.cell_of(all));
      return blank;
    });
  }
  if (all.is_root()) std::filesystem::remove(options.output);
  return when;
}

// The same cells, handed out by `take`, without a file.
bench::timeline loop(const setting& s, const communicator& all, const std::function<void()>& take) {
  all.barrier();
  const double start = bench::wall_seconds();
  bench::timeline when(start);
  while (bench::wall_seconds() < start + s.total) {
    take();
    when.compute(s.cell_of(all));
  }
  return when;
}

bench::timeline ticket_loop(const setting& s, const communicator& all) {
  constexpr std::int64_t enough = 1'000'000;
  ticket_counter tickets(all, enough);
  return loop(s, all, [&] { tickets.take(0); });
}

bench::timeline one_sided_loop(const setting& s, const communicator& all) {
  MPI_Win window = MPI_WIN_NULL;
  std::int64_t* next = nullptr;
  MPI_Win_allocate(sizeof *next, sizeof *next, MPI_INFO_NULL, all.native().comm, &next, &window);
  *next = 0;
  MPI_Win_lock_all(0, window);
  const bench::timeline when = loop(s, all, [&] {
    constexpr std::int64_t one = 1;
    std::int64_t ticket = 0;
    MPI_Fetch_and_op(&one, &ticket, MPI_INT64_T, 0, 0, MPI_SUM, window);
    MPI_Win_flush(0, window);
  });
  MPI_Win_unlock_all(window);
  MPI_Win_free(&window);
  return when;
}

void print(const bench::timeline& when, const communicator& all) {
  const double idle = all.sum(all.is_root() ? 0.0 : when.idle_share()) / (all.size() - 1);
  const double longest = all.max(all.is_root() ? 0.0 : when.longest_gap());
  if (all.is_root()) fmt::print("{} {}\n", idle, longest);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr,
               "usage: scheduler_idle run_sweep|ticket_counter|one_sided ROOT OTHER SECONDS, on 2 ranks or more\n");
    return 2;
  }
  const std::string_view who = argv[1];
  const setting s{.root_cell = std::atof(argv[2]), .other_cell = std::atof(argv[3]), .total = std::atof(argv[4])};
  if (who == "one_sided") {  // as a program without threads has it; with threads, Open MPI 4.1 has no windows over TCP
    MPI_Init(&argc, &argv);
    {
      const communicator world(std::make_shared<const communicator::impl>(MPI_COMM_WORLD, false));
      print(one_sided_loop(s, world), world);
    }
    return MPI_Finalize();
  }
  return with_mpi(argc, argv, [&](const communicator& all) {
    print(who == "run_sweep" ? sweep(s, all) : ticket_loop(s, all), all);
    return exit_code::done;
  });
}
