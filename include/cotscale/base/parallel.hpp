// A parallel loop over independent shards of work.
#pragma once

#include <functional>

namespace cotscale {

/// Calls `body(i)` for i = 0 … count − 1 on the OpenMP threads of this rank, in any order. Results must not depend on
/// which thread runs which i. If calls throw, the exception of the smallest i is rethrown after all threads have
/// stopped; later calls may be left out.
void parallel_for(int count, const std::function<void(int)>& body);

/// OpenMP threads that parallel_for uses.
int thread_count();
void set_thread_count(int threads);

}  // namespace cotscale
