#include "cotscale/sweep/run.hpp"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cotscale/base/output.hpp"
#include "cotscale/base/patience.hpp"
#include "cotscale/base/stopwatch.hpp"
#include "cotscale/comm/ticket_counter.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/store/lock.hpp"
#include "cotscale/store/results_file.hpp"
#include "cotscale/sweep/provenance.hpp"
#include "cotscale/sweep/resources.hpp"
#include "cotscale/sweep/schedule.hpp"
#include "cotscale/sweep/stop_control.hpp"
#include "preparation.hpp"
#include "report.hpp"
#include "worker.hpp"

namespace cotscale {

using namespace detail;

exit_code run_sweep(const specification& spec, const run_options& requested, const communicator& all,
                    const cell_function& compute) {
  const stopwatch whole;
  run_options options = requested;
  all.on_root([&] { options.output = resolved_path(requested.output); });
  options.output = all.broadcast(options.output);
  const stop_control stop(options.max_time);
  const blas_threads one(1);
  for (const std::string& warning : share_cores(all)) warn("{}", warning);

  std::optional<patience> sign_of_life;
  if (all.is_root()) sign_of_life.emplace("preparing the run");
  coordinates grid;
  all.together([&] {
    require_memory(least_bytes(spec), fmt::format("task.d = {}", spec.d));
    grid = make_coordinates(spec);
  });
  provenance attributes =
      collect_provenance("cotscale: " + spec.name, spec.seed, to_toml(spec), options.command_line, all.size());
  attributes.emplace_back("sampler", word_of(resolved_sampler(spec)));
  // Results of one large matrix may differ in their last bits between thread counts.
  attributes.emplace_back("blas_threads", std::int64_t{threads_of_blas(spec)});

  std::unique_ptr<file_lock> lock;
  work_list list;
  all.on_root([&] {
    require_memory_for_cells(spec, grid);
    require_writable(options.output, options.overwrite);
    lock = std::make_unique<file_lock>(options.output);
    if (!lock->notice().empty()) warn("{}", lock->notice());
    list = prepare(spec, grid, options, all, attributes);
  });
  sign_of_life.reset();
  list.items = all.broadcast(list.items);
  list.chunks = all.broadcast(list.chunks);
  cell_computer computer(spec, grid);
  const cell_function cell_work =
      compute ? compute : [&](const cell& c, const std::stop_token& abandon) { return computer.compute(c, abandon); };
  run_totals totals;
  totals.ranks = all.size();
  if (!list.items.empty()) {
    std::unique_ptr<results_writer> store;
    all.or_abort([&] {
      store = std::make_unique<results_writer>(options.output, grid, all);
      if (!all.is_root()) return;
      for (const task_item& item : list.items) {
        if (item.damaged != 0) store->mark_pending(position_of(grid, item.number));
      }
    });
    ticket_counter tickets(all, static_cast<std::int64_t>(list.chunks.size()));
    worker w(list, grid, cell_work, all, tickets, *store, stop, lock.get());
    {
      std::vector<double> costs;
      for (const task_item& item : list.items) costs.push_back(item.seconds);
      const progress_display progress(all.is_root() ? options.progress : progress_mode::none, costs,
                                      [&] { return w.finished() + tickets.finished_elsewhere(); });
      all.or_abort([&] { w.run(); });
      const stopwatch ended;
      all.barrier();
      totals.time.idle = all.sum(ended.seconds());
    }
    all.or_abort([&] { store->close(); });
    totals.time.computing = all.sum(w.time().computing);
    totals.time.waiting = all.sum(w.time().waiting);
    totals.time.storing = all.sum(w.time().storing);
    totals.finished = all.sum(w.finished());
    totals.passed_over = all.sum(w.passed_over());
  }
  totals.elapsed = whole.seconds();

  std::int64_t code = 0;
  all.on_root([&] {
    code = static_cast<std::int64_t>(report(spec, options, list, totals));
    lock.reset();
  });
  return static_cast<exit_code>(all.sum(code));
}

}  // namespace cotscale
