// When a run has to stop early: signals and the time limit.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

namespace cotscale {

/// Blocks SIGUSR1, SIGTERM and SIGINT in this thread and those that it starts, so that stop_control receives them; and
/// ignores SIGXFSZ, so that writing beyond a file-size limit is an error like any other. Call first in main().
void prepare_signals();

/// Watches, in a thread of its own, for SIGUSR1 (finish the current cell), SIGTERM, SIGINT and the time limit (abandon
/// it).
class stop_control {
 public:
  using clock = std::chrono::steady_clock;
  /// `limit` counts from now; none: no time limit.
  explicit stop_control(std::optional<std::chrono::duration<double>> limit);
  ~stop_control();
  stop_control(const stop_control&) = delete;
  stop_control& operator=(const stop_control&) = delete;
  stop_control(stop_control&&) = delete;
  stop_control& operator=(stop_control&&) = delete;

  /// Whether another cell, which would take about so long, may be started.
  bool may_start(std::chrono::duration<double> estimate) const;
  /// Stop is requested when the current cell has to be abandoned.
  std::stop_token abandon() const { return abandon_.get_token(); }

 private:
  void watch();

  std::optional<clock::time_point> deadline_;
  std::stop_source abandon_;
  std::atomic<bool> no_more_ = false;
  std::atomic<bool> ending_ = false;
  std::thread watcher_;
};

}  // namespace cotscale
