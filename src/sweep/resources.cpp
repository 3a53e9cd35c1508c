#include "cotscale/sweep/resources.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "cotscale/base/error.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/comm/environment.hpp"

namespace cotscale {
namespace {

using core_mask = std::array<std::uint64_t, CPU_SETSIZE / 64>;

core_mask my_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  core_mask mask{};
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) mask[static_cast<std::size_t>(cpu / 64)] |= std::uint64_t{1} << (cpu % 64);
  }
  return mask;
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

}  // namespace

std::vector<std::string> share_cores(const communicator& all) {
  const communicator host = all.on_this_host();
  const int cores = count(cores_of(host));
  const int mine = count(my_cores());
  if (std::getenv("OMP_NUM_THREADS") == nullptr) set_thread_count(std::clamp(cores / host.size(), 1, mine));
  const std::int64_t threads = host.sum(static_cast<std::int64_t>(thread_count()));
  const bool too_many = threads > cores || thread_count() > mine;

  std::vector<std::string> warnings;
  const std::int64_t crowded = all.sum(static_cast<std::int64_t>(too_many ? 1 : 0));
  // The root speaks for all; it names its own host if that is crowded.
  if (all.is_root() && crowded > 0) {
    warnings.push_back(
        fmt::format("{} of {} ranks have more OpenMP threads than cores{}. Use fewer ranks or set OMP_NUM_THREADS "
                    "lower; with several "
                    "threads a rank give mpirun `--bind-to none` or `--map-by slot:PE=THREADS`",
                    crowded, all.size(),
                    too_many ? fmt::format(" (on {}: {} ranks with {} threads in all, on {} cores)", host_name(),
                                           host.size(), threads, cores)
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
