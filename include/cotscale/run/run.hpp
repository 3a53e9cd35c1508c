// Runs a sweep over MPI ranks into one results file.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "cotscale/base/error.hpp"
#include "cotscale/comm/communicator.hpp"
#include "cotscale/experiment/cell.hpp"
#include "cotscale/run/progress.hpp"

namespace cotscale {

struct run_options {
  std::string output;
  bool overwrite = false;
  bool allow_diverged = false;  ///< cells whose training diverged do not make it failed_cells
  progress_mode progress = progress_mode::automatic;
  std::optional<std::chrono::duration<double>> max_time;
  std::string command_line;
};

using cell_function = std::function<cell_values(const cell&, const std::stop_token&)>;

/// Collective. Creates the results file or resumes it, computes every cell that is not done, and reports on standard
/// output (root only). A cell that throws is marked failed and the run goes on. Throws agreed_error if the run cannot
/// begin; io_error if a rank cannot store. `compute` stands in for compute_cell in tests and benchmarks.
exit_code run_sweep(const specification& spec, const run_options& requested, const communicator& all,
                    const cell_function& compute = {});

}  // namespace cotscale
