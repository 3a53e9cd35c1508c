#include "cotscale/run/resources.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/comm/environment.hpp"
#include "cpu_quota.hpp"

namespace cotscale {
namespace {

using namespace detail;

constexpr std::size_t most_cpus = 1024;  // as many as sched_getaffinity tells of
using core_mask = std::array<std::uint64_t, most_cpus / 64>;

core_mask my_cores() {
  core_mask mask{};
  for (const int cpu : process_cpus()) {
    mask.at(static_cast<std::size_t>(cpu / 64)) |= std::uint64_t{1} << (cpu % 64);
  }
  return mask;
}

// Whole processors of a limit; without one, more than there are.
int whole_cores(const std::optional<cpu_quota>& quota) {
  constexpr double rounding = 1e-9;
  return quota ? static_cast<int>(std::clamp(std::floor(quota->cores + rounding), 1.0, 1.0 * most_cpus)) : most_cpus;
}

int count(const core_mask& mask) {
  int cores = 0;
  for (const std::uint64_t word : mask) cores += std::popcount(word);
  return cores;
}

core_mask cores_of(const communicator& ranks) {
  core_mask all{};
  const core_mask mine = my_cores();
  for (std::size_t i = 0; i < mine.size(); ++i) {
    for (const std::int64_t word : ranks.gather(std::bit_cast<std::int64_t>(mine[i]))) {
      all[i] |= std::bit_cast<std::uint64_t>(word);
    }
  }
  return all;
}

// Of all groups that the ranks are in, each counted once.
int quota_of(const communicator& ranks, const std::optional<cpu_quota>& mine) {
  const auto group = static_cast<std::int64_t>(std::hash<std::string>{}(mine ? mine->group : ""));
  const std::vector<std::int64_t> groups = ranks.gather(group);
  const std::vector<std::int64_t> cores = ranks.gather(std::int64_t{whole_cores(mine)});
  std::map<std::int64_t, std::int64_t> of_group;
  for (std::size_t i = 0; i < groups.size(); ++i) of_group[groups[i]] = cores[i];
  std::int64_t sum = 0;
  for (const auto& entry : of_group) sum += entry.second;
  return static_cast<int>(std::min<std::int64_t>(sum, most_cpus));
}

}  // namespace

int usable_cores() { return std::min(count(my_cores()), whole_cores(own_quota())); }

void use_own_cores() {
  if (std::getenv("OMP_NUM_THREADS") == nullptr) set_thread_count(usable_cores());
}

std::vector<std::string> share_cores(const communicator& all) {
  const communicator host = all.on_this_host();
  const std::optional<cpu_quota> quota = own_quota();
  const int there = count(cores_of(host)), allowed = quota_of(host, quota);
  const int cores = std::min(there, allowed);
  const int mine = std::min(count(my_cores()), whole_cores(quota));
  if (std::getenv("OMP_NUM_THREADS") == nullptr) set_thread_count(std::clamp(cores / host.size(), 1, mine));
  const std::int64_t threads = host.sum(static_cast<std::int64_t>(thread_count()));
  const bool too_many = threads > cores || thread_count() > mine;

  std::vector<std::string> warnings;
  const std::int64_t crowded = all.sum(static_cast<std::int64_t>(too_many ? 1 : 0));
  // The root speaks for all; it names its own host if that is crowded.
  if (all.is_root() && crowded > 0) {
    warnings.push_back(fmt::format(
        "{} of {} ranks have more OpenMP threads than cores{}. Use fewer ranks or set OMP_NUM_THREADS "
        "lower; with several "
        "threads a rank give mpirun `--bind-to none` or `--map-by slot:PE=THREADS`",
        crowded, all.size(),
        too_many ? fmt::format(" (on {}: {} ranks with {} threads in all, on {} cores{})", host_name(), host.size(),
                               threads, cores, allowed < there ? ", by the limit of its control group" : "")
                 : ""));
  }
  return warnings;
}

std::uint64_t physical_memory() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE));
}

void require_memory(std::uint64_t bytes, const std::string& cell) {
  const std::uint64_t there = physical_memory();
  if (bytes <= there) return;
  throw specification_error(
      fmt::format("{} needs about {:.3g} GB of memory by estimate, this host has {:.3g} GB: make its prompts, its "
                  "model or d smaller "
                  "(`cotscale plan` estimates it)",
                  cell, 1e-9 * static_cast<double>(bytes), 1e-9 * static_cast<double>(there)));
}

}  // namespace cotscale
