// Gradients of shards, summed in the order of the shards whatever the order in which they come.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "cotscale/nn/workspaces.hpp"
#include "cotscale/train/learning.hpp"

namespace cotscale::detail {

/// Those that came early wait.
template<class T>
class ordered_sum {
 public:
  using part = partial_gradient<T>;

  ordered_sum(std::size_t size, std::function<std::unique_ptr<part>()> blank)
      : total_(size), memory_(std::move(blank)) {}

  void start() {
    next_ = 0;
    std::fill(total_.begin(), total_.end(), T{0});
  }

  std::unique_ptr<part> take() { return memory_.take(); }

  /// The thread that brings the next one adds all that can be added; others go on.
  void add(int shard, std::unique_ptr<part> gradient) {
    std::unique_lock lock(mutex_);
    waiting_.emplace(shard, std::move(gradient));
    if (adding_) return;
    adding_ = true;
    while (!waiting_.empty() && waiting_.begin()->first == next_) {
      std::unique_ptr<part> first = std::move(waiting_.extract(waiting_.begin()).mapped());
      lock.unlock();
      first->add_to(total_);
      memory_.give_back(std::move(first));
      lock.lock();
      ++next_;
    }
    adding_ = false;
  }

  std::span<T> total() { return total_; }

 private:
  std::vector<T> total_;
  nn::workspaces<part> memory_;
  std::mutex mutex_;
  std::map<int, std::unique_ptr<part>> waiting_;
  int next_ = 0;
  bool adding_ = false;
};

}  // namespace cotscale::detail
