// What a rank does during a run: it takes cells, computes them and stores them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "cotscale/comm/ticket_counter.hpp"
#include "cotscale/run/run.hpp"
#include "cotscale/run/stop_control.hpp"
#include "cotscale/store/results_file.hpp"
#include "preparation.hpp"

namespace cotscale::detail {

struct time_use {
  double computing = 0;
  double waiting = 0;  ///< for the next cell
  double storing = 0;
  double idle = 0;  ///< at the end, for the other ranks
};

class worker {
 public:
  worker(const work_list& list, const coordinates& grid, const cell_function& compute, const communicator& all,
         ticket_counter& tickets, results_writer& store, const stop_control& stop)
      : list_(list), grid_(grid), compute_(compute), rank_(all.rank()), tickets_(tickets), store_(store), stop_(stop) {}

  /// Until no cells are left, or the run has to end.
  void run();

  std::int64_t finished() const { return finished_.load(); }
  std::int64_t passed_over() const { return passed_over_; }
  const time_use& time() const { return time_; }

 private:
  // Whether the run goes on. Cells that the time limit leaves no time for are passed over: a shorter one may still fit.
  bool run_chunk(const chunk& portion);

  // Measured over estimated time of the cells so far.
  double slowness() const { return estimated_ > 0 ? time_.computing / estimated_ : 1; }

  // False if the cell was abandoned.
  bool run_cell(const task_item& item);

  // The first few of a kind.
  void report(std::int64_t before, std::string_view what, const std::string& where) const;

  // Cells are made durable together, but none waits for longer than a second, nor many large ones.
  void flush_if_due(double next_cell_seconds);

  void flush();

  const work_list& list_;
  const coordinates& grid_;
  const cell_function& compute_;
  int rank_;
  ticket_counter& tickets_;
  results_writer& store_;
  const stop_control& stop_;
  std::atomic<std::int64_t> finished_ = 0;
  std::int64_t failed_ = 0;
  std::int64_t diverged_ = 0;
  std::int64_t passed_over_ = 0;
  double estimated_ = 0;
  time_use time_;
};

}  // namespace cotscale::detail
