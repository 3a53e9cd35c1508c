// Shows how far a run is, from a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

namespace cotscale {

enum class progress_mode : std::uint8_t { automatic, bar, log, none };

/// What `automatic` means here: a bar if standard error ends at a terminal (also behind mpirun), else a log.
progress_mode resolve(progress_mode mode);

/// A bar, drawn anew every half second, or a line a minute, on standard error.
class progress_display {
 public:
  /// `finished` says how many of `total` cells have ended; it is called from the display's thread.
  progress_display(progress_mode mode, std::int64_t total, std::function<std::int64_t()> finished);
  /// Ends the bar's line.
  ~progress_display();
  progress_display(const progress_display&) = delete;
  progress_display& operator=(const progress_display&) = delete;
  progress_display(progress_display&&) = delete;
  progress_display& operator=(progress_display&&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace cotscale
