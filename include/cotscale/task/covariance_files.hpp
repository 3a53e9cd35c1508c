// Covariances from HDF5 files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cotscale/task/covariance.hpp"

namespace cotscale {

/// Tasks that a mixture can be made of.
struct candidate_tasks {
  std::vector<std::string> names;
  std::vector<covariance> tasks;
  std::vector<std::string> notices;  ///< what had to be mended in them
};

/// The dataset `covariance` (d, d); `notice` says what had to be mended (covariance::from_matrix). Throws
/// specification_error where it is missing, has another shape or is no covariance, and io_error.
std::shared_ptr<const covariance> read_covariance_file(const std::string& path, int d, std::string& notice);

/// The same of `covariance` (tasks, d, d), with `name` (tasks) where that is there, else task0, task1 …
std::shared_ptr<const candidate_tasks> read_candidates_file(const std::string& path, int d);

}  // namespace cotscale
