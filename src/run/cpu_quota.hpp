// The share of a host's processors that the control groups of Linux leave to a process.
#pragma once

#include <optional>
#include <string>

namespace cotscale::detail {

/// So many processors' time for the processes of a group together.
struct cpu_quota {
  std::string group;  ///< directory of the group that sets the limit
  double cores = 0;
};

/// The narrowest limit on the way from the group of a process to the root, of `cpu.max` (version 2) or
/// `cpu.cfs_quota_us` (version 1); none if there is none. `cgroup` and `mountinfo` are the contents of the files of
/// these names in /proc/self.
std::optional<cpu_quota> find_quota(const std::string& cgroup, const std::string& mountinfo);

/// That of this process.
std::optional<cpu_quota> own_quota();

}  // namespace cotscale::detail
