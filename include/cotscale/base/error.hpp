// Typed errors. Each carries the exit code with which the program ends when nobody handles it.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace cotscale {

/// Exit codes of the command line, documented in README.md.
enum class exit_code : int {
  done = 0,
  failed_cells = 1,    ///< the run ended, but some cells failed, or diverged in training
  usage = 2,           ///< wrong command line or specification
  mismatch = 65,       ///< the results file and the specification disagree
  internal = 70,       ///< a precondition of the program's own code does not hold
  input_output = 74,   ///< a file could not be read, written or locked
  stopped_early = 75,  ///< stopped on request or at the time limit; the same command resumes
};

class error : public std::runtime_error {
 public:
  error(exit_code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  exit_code code() const noexcept { return code_; }

 private:
  exit_code code_;
};

/// The specification or the command line is wrong; the message names the key and what to do.
struct specification_error : error {
  explicit specification_error(const std::string& message) : error(exit_code::usage, message) {}
};

/// A results file exists but belongs to something else; the message says what differs.
struct mismatch_error : error {
  explicit mismatch_error(const std::string& message) : error(exit_code::mismatch, message) {}
};

/// A file could not be read, written or locked; the message names it.
struct io_error : error {
  explicit io_error(const std::string& message) : error(exit_code::input_output, message) {}
};

/// A computation has no usable answer (a factorisation that failed, say); fails one cell, not the run.
struct numerical_error : error {
  explicit numerical_error(const std::string& message) : error(exit_code::failed_cells, message) {}
};

/// A caller broke a documented precondition: an error in the program itself.
struct precondition_error : error {
  explicit precondition_error(const std::string& message) : error(exit_code::internal, message) {}
};

/// Checks a documented precondition; the message should print the arguments that break it.
template<class... Args>
void expects(bool condition, fmt::format_string<Args...> message, Args&&... args) {
  if (!condition) throw precondition_error(fmt::format(message, std::forward<Args>(args)...));
}

}  // namespace cotscale
