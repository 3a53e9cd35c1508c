// One run per results file.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace cotscale {

/// Who holds a lock, as its file says.
struct lock_owner {
  std::string host;
  std::string job;
  long pid = 0;
  std::string machine;  ///< boot and pid namespace: says whether `pid` means anything here
  std::chrono::seconds untouched{};
  /// "pid 12 on host a (job 7), last active 3 s ago"
  std::string describe() const;
};

/// Holds FILE.lock while it lives, and touches it every 10 s from a thread of its own.
class file_lock {
 public:
  /// Throws io_error if another run holds it. A lock whose process is gone from this machine, or that was untouched for
  /// a minute, is taken over; `notice()` then says from whom.
  explicit file_lock(const std::string& file);
  ~file_lock();
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;
  file_lock(file_lock&&) = delete;
  file_lock& operator=(file_lock&&) = delete;

  const std::string& notice() const { return notice_; }
  /// Whether somebody else took the lock over (this process was suspended for a minute, say). Any thread may ask.
  bool lost() const { return lost_.load(); }

 private:
  void keep_fresh();

  std::string path_;
  std::string text_;
  std::string notice_;
  std::atomic<bool> lost_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread keeper_;
};

/// The run that holds the lock of a results file, if there is one and it seems to live.
std::optional<lock_owner> living_owner(const std::string& file);

}  // namespace cotscale
