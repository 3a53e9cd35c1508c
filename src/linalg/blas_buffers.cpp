// The memory that OpenBLAS works in.
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstddef>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"

// OpenBLAS's own, in no header of it; an OpenBLAS without them is not prepared.
extern "C" {
__attribute__((weak)) void* blas_memory_alloc(int position);
__attribute__((weak)) void blas_memory_free(void* buffer);
}

namespace cotscale {
namespace {

// Of OpenBLAS 0.3.21 for CPUs with AVX-512; the largest that it takes.
constexpr std::size_t buffer_bytes = std::size_t{128} << 20;

bool fits(std::size_t bytes) {
  void* room = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) return false;
  munmap(room, bytes);
  return true;
}

}  // namespace

void require_blas_buffers(int threads) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  const std::size_t bytes = static_cast<std::size_t>(threads) * buffer_bytes;
  if (!fits(bytes)) {
    throw specification_error(fmt::format(
        "the limit on address space (ulimit -v {}) is too small: OpenBLAS needs {} MB more for the buffers of "
        "{} threads; raise it, or set OMP_NUM_THREADS lower",
        limit.rlim_cur / 1024, bytes >> 20, threads));
  }
  if (blas_memory_alloc == nullptr || blas_memory_free == nullptr) return;
  std::vector<void*> buffers;  // taken at once, and given back: OpenBLAS keeps them
  for (int i = 0; i < threads; ++i) buffers.push_back(blas_memory_alloc(0));
  for (void* buffer : buffers) blas_memory_free(buffer);
}

}  // namespace cotscale
