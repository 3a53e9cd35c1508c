#include "cotscale/base/parallel.hpp"

#include <omp.h>

#include <atomic>
#include <exception>
#include <limits>

namespace cotscale {
namespace {

// Not OpenMP's own setting: OpenBLAS follows that one for its threads, and changes it (linalg/blas.cpp).
int threads = omp_get_max_threads();

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

}  // namespace cotscale
