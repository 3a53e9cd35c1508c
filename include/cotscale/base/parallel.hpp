// A parallel loop over independent shards of work.
#pragma once

#include <functional>
#include <vector>

namespace cotscale {

/// Calls `body(i)` for i = 0 … count − 1 on the OpenMP threads of this rank, in any order. Results must not depend on
/// which thread runs which i. If calls throw, the exception of the smallest i is rethrown after all threads have
/// stopped; later calls may be left out.
void parallel_for(int count, const std::function<void(int)>& body);

/// Threads that parallel_for uses; at first, what OMP_NUM_THREADS and the affinity of the process say.
int thread_count();
void set_thread_count(int count);

/// Numbers of the CPUs that the threads of this process may run on. (With OMP_PROC_BIND the OpenMP library pins the
/// first thread to a part of them as soon as it is loaded; these are all of its places.)
std::vector<int> process_cpus();

/// Lets the calling thread, and a program that takes the place of this one, run on all of them again.
void unpin();

}  // namespace cotscale
