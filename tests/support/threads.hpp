// The number of OpenMP threads, for the length of a scope.
#pragma once

#include "cotscale/base/parallel.hpp"

namespace cotscale::support {

class thread_scope {
 public:
  explicit thread_scope(int threads) : previous_(thread_count()) { set_thread_count(threads); }
  ~thread_scope() { set_thread_count(previous_); }
  thread_scope(const thread_scope&) = delete;
  thread_scope& operator=(const thread_scope&) = delete;
  thread_scope(thread_scope&&) = delete;
  thread_scope& operator=(thread_scope&&) = delete;

 private:
  int previous_;
};

}  // namespace cotscale::support
