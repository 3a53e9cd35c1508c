#include "cotscale/run/run.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "cotscale/base/output.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/base/patience.hpp"
#include "cotscale/base/stopwatch.hpp"
#include "cotscale/comm/ticket_counter.hpp"
#include "cotscale/experiment/inputs.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/run/provenance.hpp"
#include "cotscale/run/requirements.hpp"
#include "cotscale/run/resources.hpp"
#include "cotscale/run/stop_control.hpp"
#include "cotscale/store/lock.hpp"
#include "cotscale/store/results_file.hpp"
#include "preparation.hpp"
#include "report.hpp"
#include "worker.hpp"

namespace cotscale {

using namespace detail;

namespace {

// Every rank computes and stores its cells. If one cannot store, it stops the others, who store what they have, and all
// end with its error. Returns the seconds that this rank has waited for the others.
double work_together(const communicator& all, worker& w, results_writer& store, ticket_counter& tickets,
                     stop_control& stop) {
  double idle = 0;
  all.together([&] {
    const auto wait_for_others = [&] {
      const stopwatch ended;
      tickets.finish(w.finished());
      idle = ended.seconds();
    };
    try {
      w.run();
      store.close();
    } catch (...) {
      stop.request(stop_level::abandon_cells);
      wait_for_others();
      throw;
    }
    wait_for_others();
  });
  return idle;
}

// Root only: takes the lock, lays out the file or checks that it can be resumed, and lists what is to be done.
work_list prepare_work(const specification& spec, const coordinates& grid,
                       const std::shared_ptr<const results_schema>& schema, const run_options& options,
                       const communicator& all, std::unique_ptr<file_lock>& lock) {
  provenance attributes =
      collect_provenance("cotscale: " + spec.name, spec.seed, to_toml(spec), options.command_line, all.size());
  attributes.emplace_back("sampler", word_of(resolved_sampler(spec)));
  // Results of one large matrix may differ in their last bits between thread counts.
  attributes.emplace_back("blas_threads", std::int64_t{threads_of_blas(spec)});
  require_writable(options.output, options.overwrite);
  lock = std::make_unique<file_lock>(options.output);
  if (!lock->notice().empty()) warn("{}", lock->notice());
  return prepare(spec, grid, schema, options, all, attributes);
}

// Every rank takes cells of the list until there are none.
run_totals compute_cells(const work_list& list, const coordinates& grid, const cell_function& compute,
                         results_writer& store, const communicator& all, progress_mode shown, stop_control& stop) {
  ticket_counter tickets(all, static_cast<std::int64_t>(list.chunks.size()),
                         {.mine = [&] { return static_cast<int>(stop.level()); },
                          .heard = [&](int level) { stop.request(static_cast<stop_level>(level)); }});
  worker w(list, grid, compute, all, tickets, store, stop);
  run_totals totals;
  {
    std::vector<double> costs;
    for (const task_item& item : list.items) costs.push_back(item.seconds);
    const progress_display progress(all.is_root() ? shown : progress_mode::none, costs,
                                    [&] { return w.finished() + tickets.finished_elsewhere(); });
    totals.time.idle = all.sum(work_together(all, w, store, tickets, stop));
  }
  totals.time.computing = all.sum(w.time().computing);
  totals.time.waiting = all.sum(w.time().waiting);
  totals.time.storing = all.sum(w.time().storing);
  totals.finished = all.sum(w.finished());
  totals.passed_over = all.sum(w.passed_over());
  return totals;
}

}  // namespace

exit_code run_sweep(const specification& spec, const run_options& requested, const communicator& all,
                    const cell_function& compute) {
  const stopwatch whole;
  run_options options = requested;
  all.on_root([&] { options.output = resolved_path(requested.output); });
  options.output = all.broadcast(options.output);
  stop_control stop(options.max_time);
  const blas_threads one(1);
  for (const std::string& warning : share_cores(all)) warn("{}", warning);

  std::optional<patience> sign_of_life;
  if (all.is_root()) sign_of_life.emplace("preparing the run");
  coordinates grid;
  all.together([&] { grid = require_grid(spec); });
  all.on_root([&] {
    if (std::filesystem::exists(options.output)) require_none_is(options.output, inputs_of(spec), spec.directory);
    require_runnable(spec, grid, thread_count());
  });
  // It lays out the memory of a cell, and so is made when it is known that there is enough of it.
  std::shared_ptr<const results_schema> schema;
  all.together([&] { schema = make_schema(grid); });
  std::unique_ptr<file_lock> lock;
  work_list list;
  all.on_root([&] { list = prepare_work(spec, grid, schema, options, all, lock); });
  sign_of_life.reset();
  lock_watch watch(options.output, all.broadcast(lock ? lock->text() : ""),
                   [&stop] { stop.request(stop_level::abandon_cells); });
  list.items = all.broadcast(list.items);
  list.chunks = all.broadcast(list.chunks);
  cell_computer computer(spec, grid, schema);
  const cell_function cell_work =
      compute ? compute : [&](const cell& c, const std::stop_token& abandon) { return computer.compute(c, abandon); };
  run_totals totals;
  if (!list.items.empty()) {
    results_writer store(options.output, schema, all);
    store.ask_before_writing([&watch] { watch.require_held(); });
    all.on_root([&] {
      for (const task_item& item : list.items) {
        if (item.damaged != 0) store.mark_pending(item.number);
      }
    });
    totals = compute_cells(list, grid, cell_work, store, all, options.progress, stop);
  }
  totals.ranks = all.size();
  totals.elapsed = whole.seconds();

  std::int64_t code = 0;
  all.on_root([&] {
    code = static_cast<std::int64_t>(report(spec, options, list, totals));
    lock.reset();
  });
  return static_cast<exit_code>(all.sum(code));
}

}  // namespace cotscale
