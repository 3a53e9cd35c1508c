// Cooperative stopping of long computations.
#pragma once

#include <exception>
#include <stop_token>

namespace cotscale {

/// Thrown by a computation that was asked to stop; not an error, and nothing was stored.
struct stopped : std::exception {
  const char* what() const noexcept override { return "stopped on request"; }
};

inline void throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw stopped();
}

}  // namespace cotscale
