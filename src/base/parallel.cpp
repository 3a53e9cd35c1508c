#include "cotscale/base/parallel.hpp"

#include <omp.h>

#include <atomic>
#include <exception>
#include <limits>

namespace cotscale {

void parallel_for(int count, const std::function<void(int)>& body) {
  std::exception_ptr first_exception;
  std::atomic<int> first_index = std::numeric_limits<int>::max();
#pragma omp parallel for schedule(dynamic)
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

int thread_count() { return omp_get_max_threads(); }

void set_thread_count(int threads) { omp_set_num_threads(threads); }

}  // namespace cotscale
