// A sign of life from what takes long before it has anything to show.
#pragma once

#include <string>
#include <thread>

namespace cotscale {

/// While it lives, logs "cotscale: WHAT, 2 s so far" after 1.5 s, and again whenever the time has doubled (but every
/// minute at least).
class patience {
 public:
  explicit patience(std::string what);
  ~patience();
  patience(const patience&) = delete;
  patience& operator=(const patience&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace cotscale
