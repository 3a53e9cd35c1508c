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
  using seconds = std::chrono::duration<double>;
  /// `limit` counts from now; none: no time limit.
  explicit stop_control(std::optional<seconds> limit);
  ~stop_control();
  stop_control(const stop_control&) = delete;
  stop_control& operator=(const stop_control&) = delete;
  stop_control(stop_control&&) = delete;
  stop_control& operator=(stop_control&&) = delete;

  /// Whether no cell may be started any more.
  bool ending() const { return no_more_; }
  /// Whether the time limit leaves this long.
  bool has_time_for(seconds estimate) const;
  /// Ends the run as SIGTERM does. Any thread may call it.
  void end_now() {
    no_more_ = true;
    abandon_.request_stop();
  }
  /// Stop is requested when the current cell has to be abandoned.
  std::stop_token abandon() const { return abandon_.get_token(); }

 private:
  seconds elapsed() const { return clock::now() - start_; }
  void watch();

  std::optional<seconds> limit_;
  clock::time_point start_ = clock::now();
  std::stop_source abandon_;
  std::atomic<bool> no_more_ = false;
  std::atomic<bool> ending_ = false;
  std::thread watcher_;
};

}  // namespace cotscale
