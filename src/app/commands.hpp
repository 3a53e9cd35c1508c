// The subcommands of the command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/experiment/specification.hpp"
#include "cotscale/run/progress.hpp"

namespace cotscale::app {

struct run_arguments {
  std::string specification;
  std::string output;
  std::vector<std::string> overrides;
  bool overwrite = false;
  bool allow_diverged = false;
  progress_mode progress = progress_mode::automatic;
  std::optional<std::chrono::duration<double>> max_time;
  std::string command_line;
};

struct plan_arguments {
  std::string specification;
  std::vector<std::string> overrides;
  std::vector<int> ranks;
  int threads = 1;
  bool all_cells = false;
};

struct select_arguments {
  std::string specification;
  std::string output;
  std::vector<std::string> overrides;
  bool overwrite = false;
  std::string command_line;
};

struct theory_arguments {
  std::string specification;
  std::vector<std::string> overrides;
  bool csv = false;                                       ///< every k, machine-readable
  std::optional<std::chrono::duration<double>> max_time;  ///< then no more draws than the first
};

struct keys_arguments {
  std::string word;   ///< a table, or a key; empty: all
  std::string renew;  ///< document whose tables of keys are renewed; empty: none
};

/// Initialises MPI itself; returns the exit code.
int run(int& argc, char**& argv, const run_arguments& arguments);
exit_code plan(const plan_arguments& arguments);
exit_code select(const select_arguments& arguments);
exit_code theory(const theory_arguments& arguments);
exit_code keys(const keys_arguments& arguments);
exit_code status(const std::string& path);
exit_code verify(const std::string& path);
/// Prints the variables of results files, as their producers declare them.
exit_code variables();

/// KEY=VALUE each; throws specification_error.
std::vector<override_key> parse_overrides(const std::vector<std::string>& texts);

/// Throws specification_error under mpirun with several ranks, for commands that have threads only.
void require_one_process(const std::string& command);

/// "auto", "bar", "log" or "none"; throws specification_error.
progress_mode parse_progress(const std::string& text);

/// "90", "90s", "30m", "2h", "1h30m", "1d" or "HH:MM:SS", ten years at most; throws specification_error.
std::chrono::duration<double> parse_duration(const std::string& text);

}  // namespace cotscale::app
