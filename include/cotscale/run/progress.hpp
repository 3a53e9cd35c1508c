// Shows how far a run is, from a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <thread>
#include <vector>

namespace cotscale {

enum class progress_mode : std::uint8_t { automatic, bar, log, none };

/// What `automatic` means here: a bar if standard error ends at a terminal (also behind mpirun), else a log.
progress_mode resolve(progress_mode mode);

/// Seconds until the end, when the first `done` cells of a list have taken `elapsed`: in proportion to the cells'
/// estimated costs, of which `cumulative` has the sums, the i-th of cells 0 … i. (Cells are listed largest first, so
/// that their number says little.) Infinite if nothing can be said.
double seconds_left(std::span<const double> cumulative, std::int64_t done, double elapsed);

/// A bar, drawn anew every half second, or a line a minute, on standard error.
class progress_display {
 public:
  /// `costs` are the estimates of the cells, in the order in which they are handed out; `finished` says how many of
  /// them have ended, and is called from the display's thread.
  progress_display(progress_mode mode, const std::vector<double>& costs, std::function<std::int64_t()> finished);
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
