#include "cotscale/sweep/run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <new>
#include <utility>

#include "cotscale/base/parallel.hpp"
#include "cotscale/base/random.hpp"
#include "cotscale/base/stop.hpp"
#include "cotscale/comm/ticket_counter.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/store/lock.hpp"
#include "cotscale/store/results_file.hpp"
#include "cotscale/sweep/provenance.hpp"
#include "cotscale/sweep/resources.hpp"
#include "cotscale/sweep/schedule.hpp"
#include "cotscale/sweep/stop_control.hpp"

namespace cotscale {
namespace {

using clock = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;

double since(clock::time_point start) { return seconds(clock::now() - start).count(); }

void warn(const std::string& message) { fmt::print(stderr, "cotscale: warning: {}\n", message); }

/// A cell that is to be computed, in the order of handing out.
struct task_item {
  std::uint64_t number = 0;
  double seconds = 0;
  std::int32_t previous_attempts = 0;
  std::int32_t damaged = 0;  ///< marked done, but its checksum is wrong
};

struct work_list {
  std::vector<task_item> items;
  std::vector<chunk> chunks;
};

// ---- before the run, on the root ----

// Links resolved, so that a file has one lock and --overwrite keeps it where it is.
std::string resolved_path(const std::string& output) {
  std::error_code unknown;  // a part of the path that cannot be looked up is reported by require_writable
  const std::filesystem::path path = std::filesystem::weakly_canonical(output, unknown);
  return unknown ? output : path.string();
}

void require_writable(const std::string& output, bool overwrite) {
  require_output_directory(output);
  if (std::filesystem::is_directory(output)) {
    throw io_error(fmt::format("{}: is a directory; --output names a file, such as {}/results.h5", output, output));
  }
  if (!std::filesystem::exists(output)) return;
  if (access(output.c_str(), W_OK) != 0) {
    throw io_error(fmt::format("{}: you may not write it ({}); change its mode, or choose another --output", output,
                               std::strerror(errno)));
  }
  if (overwrite && !is_results_file(output)) {
    throw mismatch_error(fmt::format(
        "{}: not a readable results file of cotscale, and --overwrite replaces no others; move it away yourself",
        output));
  }
}

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
  for (const char* key : {"cotscale_version", "git_sha", "compiler", "compiler_flags"}) {
    const auto& now =
        std::find_if(attributes.begin(), attributes.end(), [&](const auto& a) { return a.first == key; })->second;
    if (file.attribute(key) == std::get<std::string>(now)) continue;
    warn(fmt::format("{} was begun by another build ({}: {}, now {}): the last bits of results may differ between them",
                     path, key, file.attribute(key), std::get<std::string>(now)));
  }
  if (const std::string core = file.attribute("openblas_corename"); core != blas_core_name()) {
    warn(fmt::format("{} was begun on a CPU of type {}, this one is {}: the last bits of results differ between them",
                     path, core, blas_core_name()));
  }
}

std::vector<task_item> unfinished(const results_reader& file, const std::string& path) {
  const std::vector<cell_status> status = file.statuses();
  const std::vector<std::int32_t> attempts = file.attempts();
  const std::vector<std::size_t> damaged = file.damaged_cells();
  if (!damaged.empty()) {
    warn(fmt::format("{}: {} cells have a wrong checksum and are computed again", path, damaged.size()));
  }
  std::vector<task_item> items;
  items.reserve(status.size());
  for (std::size_t number = 0; number < status.size(); ++number) {
    const bool is_damaged = std::binary_search(damaged.begin(), damaged.end(), number);
    if (status[number] == cell_status::done && !is_damaged) continue;
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

// Before anything is created. What a cell needs depends on its model and n.
void require_memory_for_cells(const specification& spec, const coordinates& grid) {
  cost_model costs(spec);
  for (std::size_t number = 0; number < grid.cell_count(); ++number) {
    const cell c = make_cell(grid, number);
    if (c.position[1] + c.position[2] + c.position[4] > 0) continue;
    require_memory(costs.estimate(c, thread_count()).bytes, describe(c));
  }
}

// Creates the file, or checks that it can be resumed; returns the cells that are to be computed.
work_list prepare(const specification& spec, const coordinates& grid, const run_options& options,
                  const communicator& all, const provenance& attributes) {
  const std::string config = to_toml(spec);
  const bool resumed = std::filesystem::exists(options.output) && !options.overwrite;
  if (!resumed) create_results(options.output, grid, config, attributes);
  const results_reader file(options.output);
  if (resumed) require_same_sweep(file, options.output, config, attributes);
  work_list list = schedule(spec, grid, unfinished(file, options.output), all.size());
  const std::size_t cells = grid.cell_count();
  fmt::print(stderr, "cotscale: {}: {} cells{}, {} ranks × {} threads → {}\n", spec.name, cells,
             resumed ? fmt::format(" ({} done before)", cells - list.items.size()) : "", all.size(), thread_count(),
             options.output);
  if (const auto pending = list.items.size(); pending > 0 && static_cast<std::size_t>(all.size()) > pending) {
    warn(fmt::format("{} ranks for {} cells: {} of them have nothing to do", all.size(), pending,
                     static_cast<std::size_t>(all.size()) - pending));
  }
  return list;
}

// ---- the run, on every rank ----

struct time_use {
  double computing = 0;
  double waiting = 0;  ///< for the next cell
  double storing = 0;
  double idle = 0;  ///< at the end, for the other ranks
};

class worker {
 public:
  worker(const work_list& list, const coordinates& grid, const cell_function& compute, const communicator& all,
         ticket_counter& tickets, results_writer& store, const stop_control& stop, const file_lock* lock)
      : list_(list),
        grid_(grid),
        compute_(compute),
        rank_(all.rank()),
        tickets_(tickets),
        store_(store),
        stop_(stop),
        lock_(lock) {}

  void run() {
    bool stopped_early = false;
    while (!stopped_early) {
      const std::optional<std::int64_t> ticket = tickets_.take(finished_);
      if (!ticket) break;
      const chunk& portion = list_.chunks.at(static_cast<std::size_t>(*ticket));
      // Asked for now, the next chunk is here when this one ends; not when this one is long, lest it wait here while
      // others idle.
      constexpr double ask_ahead_below = 0.2;
      if (portion.seconds < ask_ahead_below) tickets_.request(finished_);
      stopped_early = !run_chunk(portion);
    }
    tickets_.leave(finished_);
    flush();
    time_.waiting = tickets_.seconds_waited();
  }

  std::int64_t finished() const { return finished_.load(); }
  std::int64_t passed_over() const { return passed_over_; }
  const time_use& time() const { return time_; }

 private:
  // Whether the run goes on. Cells that the time limit leaves no time for are passed over: a shorter one may still fit.
  bool run_chunk(const chunk& portion) {
    for (std::size_t i = portion.first; i < portion.first + portion.count; ++i) {
      const task_item& item = list_.items[i];
      if (stop_.ending()) return false;
      if (!stop_.has_time_for(seconds(item.seconds * slowness()))) {
        ++passed_over_;
        continue;
      }
      if (!run_cell(item)) return false;
      if (lock_ != nullptr && lock_->lost()) {
        throw io_error(
            "another run has taken over the lock of the results file; this one ends. Was it suspended for a minute?");
      }
      flush_if_due(i + 1 < list_.items.size() ? list_.items[i + 1].seconds * slowness() : 0);
    }
    return true;
  }

  // Measured over estimated time of the cells so far.
  double slowness() const { return estimated_ > 0 ? time_.computing / estimated_ : 1; }

  // False if the cell was abandoned.
  bool run_cell(const task_item& item) {
    const cell c = make_cell(grid_, item.number);
    const auto start = clock::now();
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    cell_record record{.attempt = item.previous_attempts + 1, .rank = rank_, .start_time = seconds(now).count()};
    std::optional<std::string> failure;
    cell_result result;
    try {
      result = compute_(c, stop_.abandon());
    } catch (const stopped&) {
      return false;
    } catch (const std::bad_alloc&) {
      failure = "out of memory";
    } catch (const std::exception& e) {
      failure = e.what();
    }
    record.wall_seconds = since(start);
    time_.computing += record.wall_seconds;
    estimated_ += item.seconds;
    if (failure) {
      report(failed_++, "cell failed", fmt::format("({}): {}", describe(c), *failure));
      store_.add_failed(c.position, record);
    } else {
      // Descent on the population loss may need more steps; what learns from samples takes all unless it diverges.
      if (result.converged == 0 && std::isnan(result.final_loss)) {
        report(diverged_++, "training diverged",
               fmt::format("({}) after {} steps: lower its learning_rate, or set clip_norm", describe(c),
                           result.training_steps));
      }
      record.training_seconds = result.training_seconds;
      record.tokens_per_second = result.tokens_per_second;
      store_.add(c.position, std::move(result), record);
    }
    ++finished_;
    return true;
  }

  // The first few of a kind.
  void report(std::int64_t before, std::string_view what, const std::string& where) const {
    constexpr std::int64_t most = 10;
    if (before < most) {
      fmt::print(stderr, "cotscale: rank {}: {} {}\n", rank_, what, where);
    } else if (before == most) {
      fmt::print(stderr, "cotscale: rank {}: {} in more cells\n", rank_, what);
    }
  }

  // Cells are made durable together, but none waits for longer than a second, nor many large ones.
  void flush_if_due(double next_cell_seconds) {
    constexpr double patience = 0.7;
    constexpr std::uint64_t large = 64'000'000;
    if (store_.oldest().count() + next_cell_seconds > patience || store_.waiting_bytes() > large) flush();
  }

  void flush() {
    const auto start = clock::now();
    store_.flush();
    time_.storing += since(start);
  }

  const work_list& list_;
  const coordinates& grid_;
  const cell_function& compute_;
  int rank_;
  ticket_counter& tickets_;
  results_writer& store_;
  const stop_control& stop_;
  const file_lock* lock_;
  std::atomic<std::int64_t> finished_ = 0;
  std::int64_t failed_ = 0;
  std::int64_t diverged_ = 0;
  std::int64_t passed_over_ = 0;
  double estimated_ = 0;
  time_use time_;
};

// ---- after the run ----

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
    fmt::print("theory: no cell has an exact error beyond k = 0\n");
    return;
  }
  fmt::print("theory: {} of {} cells disagree with theory_error (|z| > {})", disagreeing, compared, threshold);
  if (!where.empty()) fmt::print("; largest z = {:.2f} at {}", largest, where);
  fmt::print("\n");
  if (disagreeing > 0 && prompts < few_prompts) {
    fmt::print(
        "        ({} prompts are few: errors are skewed, and z-scores of so short means reach further than normal "
        "ones)\n",
        prompts);
  }
}

struct run_totals {
  time_use time;
  std::int64_t finished = 0;
  std::int64_t passed_over = 0;
  double elapsed = 0;
  int ranks = 1;
};

exit_code report(const specification& spec, const run_options& options, const work_list& list,
                 const run_totals& totals) {
  const results_reader file(options.output);
  const std::vector<cell_status> status = file.statuses();
  const auto count = [&](cell_status s) { return std::count(status.begin(), status.end(), s); };
  const std::vector<std::int8_t> converged = file.converged();
  const auto done = count(cell_status::done);
  fmt::print("{}: {} of {} cells done ({} before this run), {} failed, {} pending, {} not converged, in {:.1f} s\n",
             spec.name, done, status.size(), status.size() - list.items.size(), count(cell_status::failed),
             count(cell_status::pending), std::count(converged.begin(), converged.end(), 0), totals.elapsed);
  const time_use& total = totals.time;
  if (const double all_time = total.computing + total.waiting + total.storing + total.idle; all_time > 0) {
    fmt::print(
        "time: {:.1f} % computing, {:.2f} % waiting for cells, {:.2f} % storing, {:.1f} % idle at the end, of {} "
        "ranks\n",
        100 * total.computing / all_time, 100 * total.waiting / all_time, 100 * total.storing / all_time,
        100 * total.idle / all_time, totals.ranks);
  }
  report_theory(file, status, spec.prompts);
  std::fflush(stdout);
  if (totals.passed_over > 0) {
    fmt::print(stderr, "cotscale: {} cells were not begun: by estimate, --max-time left too little for them\n",
               totals.passed_over);
  }
  if (totals.finished < static_cast<std::int64_t>(list.items.size())) {
    fmt::print(stderr, "cotscale: stopped early; the same command resumes\n");
    return exit_code::stopped_early;
  }
  if (count(cell_status::failed) > 0) {
    fmt::print(stderr, "cotscale: some cells failed; the same command tries them again\n");
    return exit_code::failed_cells;
  }
  return exit_code::done;
}

}  // namespace

exit_code run_sweep(const specification& spec, const run_options& requested, const communicator& all,
                    const cell_function& compute) {
  const auto start = clock::now();
  run_options options = requested;
  all.on_root([&] { options.output = resolved_path(requested.output); });
  options.output = all.broadcast(options.output);
  const stop_control stop(options.max_time);
  const blas_threads one(1);
  for (const std::string& warning : share_cores(all)) warn(warning);

  coordinates grid;
  all.together([&] { grid = make_coordinates(spec); });
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
    if (!lock->notice().empty()) warn(lock->notice());
    list = prepare(spec, grid, options, all, attributes);
  });
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
      const progress_display progress(all.is_root() ? options.progress : progress_mode::none,
                                      static_cast<std::int64_t>(list.items.size()),
                                      [&] { return w.finished() + tickets.finished_elsewhere(); });
      all.or_abort([&] { w.run(); });
      const auto ended = clock::now();
      all.barrier();
      totals.time.idle = all.sum(since(ended));
    }
    all.or_abort([&] { store->close(); });
    totals.time.computing = all.sum(w.time().computing);
    totals.time.waiting = all.sum(w.time().waiting);
    totals.time.storing = all.sum(w.time().storing);
    totals.finished = all.sum(w.finished());
    totals.passed_over = all.sum(w.passed_over());
  }
  totals.elapsed = since(start);

  std::int64_t code = 0;
  all.on_root([&] {
    code = static_cast<std::int64_t>(report(spec, options, list, totals));
    lock.reset();
  });
  return static_cast<exit_code>(all.sum(code));
}

}  // namespace cotscale
