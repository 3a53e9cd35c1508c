// Large working memory that threads take and give back, so that there is as much of it as is in use at once.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace cotscale::nn {

/// What a workspace holds when it is taken must not matter.
template<class T>
class workspaces {
 public:
  explicit workspaces(std::function<std::unique_ptr<T>()> make) : make_(std::move(make)) {}

  std::unique_ptr<T> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<T> out = std::move(idle_.back());
        idle_.pop_back();
        return out;
      }
    }
    return make_();
  }

  void give_back(std::unique_ptr<T> workspace) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(workspace));
  }

 private:
  std::function<std::unique_ptr<T>()> make_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace cotscale::nn
