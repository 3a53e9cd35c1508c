// The two streams of a command line: results, which must arrive, and the log, which never ends a run.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace cotscale {

/// Call first in main(). Keeps the numbers of standard streams that are closed from going to files that are opened
/// later, which would receive the log; and makes a pipe that nobody reads any more an error like any other.
void prepare_streams() noexcept;

/// Writes a text to standard error, in one piece where the system allows it. What cannot be written (the stream is
/// closed, the disk is full) is dropped.
void log_text(std::string_view text) noexcept;

/// Writes a text to standard output. Throws io_error if it cannot be written.
void print_text(std::string_view text);

/// Makes sure that everything printed so far has arrived. Throws io_error if it has not.
void flush_output();

template<class... Args>
void log(fmt::format_string<Args...> message, Args&&... args) {
  log_text(fmt::format(message, std::forward<Args>(args)...));
}

template<class... Args>
void print(fmt::format_string<Args...> message, Args&&... args) {
  print_text(fmt::format(message, std::forward<Args>(args)...));
}

/// "cotscale: warning: …" in the log.
template<class... Args>
void warn(fmt::format_string<Args...> message, Args&&... args) {
  log_text(fmt::format("cotscale: warning: {}\n", fmt::format(message, std::forward<Args>(args)...)));
}

}  // namespace cotscale
