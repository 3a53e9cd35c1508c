// Elapsed time.
#pragma once

#include <chrono>

namespace cotscale {

/// Runs from its construction on.
class stopwatch {
 public:
  /// Seconds since then, of a clock that is never set.
  double seconds() const { return std::chrono::duration<double>(clock::now() - start_).count(); }

 private:
  using clock = std::chrono::steady_clock;
  clock::time_point start_ = clock::now();
};

}  // namespace cotscale
