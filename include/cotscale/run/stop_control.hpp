// When a run has to stop early: signals and the time limit.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <thread>

namespace cotscale {

/// Blocks the signals that stop a run in this thread and those that it starts, so that stop_control receives them; and
/// ignores SIGXFSZ, so that writing beyond a file-size limit is an error like any other. Call first in main().
void prepare_signals();

/// How soon a run has to end; the order is that of urgency.
enum class stop_level : std::uint8_t {
  none,
  finish_cells,  ///< no cell is begun any more
  abandon_cells  ///< and those that are being computed are given up
};

/// Watches, in a thread of its own, for SIGUSR1 (finish the current cell); for SIGTERM, SIGINT, SIGHUP (unless it was
/// ignored, as by nohup), SIGUSR2, SIGXCPU and the time limit (abandon it).
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

  /// Asks this rank to stop; any thread may. What is asked for is never taken back.
  void request(stop_level level);
  stop_level level() const { return level_; }
  /// Whether no cell may be started any more.
  bool ending() const { return level() != stop_level::none; }
  /// Whether the time limit leaves this long.
  bool has_time_for(seconds estimate) const;
  /// Stop is requested when the current cell has to be abandoned.
  std::stop_token abandon() const { return abandon_.get_token(); }

 private:
  seconds elapsed() const { return clock::now() - start_; }
  void watch();

  std::optional<seconds> limit_;
  clock::time_point start_ = clock::now();
  std::stop_source abandon_;
  std::atomic<stop_level> level_ = stop_level::none;
  std::atomic<bool> ending_ = false;
  std::thread watcher_;
};

}  // namespace cotscale
