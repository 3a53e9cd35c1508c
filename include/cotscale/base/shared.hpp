// What several owners have in common.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace cotscale {

/// What is in use under this key, as long as one of its owners is there: a target, a mixture, models and all
/// combinations of varied keys share one. `read` makes what is not there yet.
template<class Data, class Read>
std::shared_ptr<const Data> shared(const std::string& key, Read read) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<const Data>> known;
  const std::lock_guard lock(mutex);
  if (std::shared_ptr<const Data> there = known[key].lock()) return there;
  std::shared_ptr<const Data> made = read();
  known[key] = made;
  return made;
}

}  // namespace cotscale
