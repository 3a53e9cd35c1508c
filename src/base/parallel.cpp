#include "cotscale/base/parallel.hpp"

#include <omp.h>
#include <sched.h>

#include <atomic>
#include <cstddef>
#include <exception>
#include <limits>

namespace cotscale {
namespace {

// Not OpenMP's own setting: OpenBLAS follows that one for its threads, and changes it (linalg/blas.cpp).
int threads = omp_get_max_threads();

cpu_set_t cpu_set_of_process() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  for (int place = 0; place < omp_get_num_places(); ++place) {
    std::vector<int> cpus(static_cast<std::size_t>(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, cpus.data());
    for (const int cpu : cpus) {
      if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
    }
  }
  return set;
}

}  // namespace

void parallel_for(int count, const std::function<void(int)>& body) {
  std::exception_ptr first_exception;
  std::atomic<int> first_index = std::numeric_limits<int>::max();
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (count > 1)
  for (int i = 0; i < count; ++i) {
    if (i > first_index.load(std::memory_order_relaxed)) continue;
    try {
      body(i);
    } catch (...) {
#pragma omp critical(cotscale_parallel_for)
      if (i < first_index.load()) {
        first_index = i;
        first_exception = std::current_exception();
      }
    }
  }
  if (first_exception) std::rethrow_exception(first_exception);
}

int thread_count() { return threads; }

void set_thread_count(int count) { threads = count; }

std::vector<int> process_cpus() {
  const cpu_set_t set = cpu_set_of_process();
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void unpin() {
  const cpu_set_t set = cpu_set_of_process();
  sched_setaffinity(0, sizeof set, &set);
}

}  // namespace cotscale
