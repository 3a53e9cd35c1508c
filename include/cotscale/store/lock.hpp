// One run per results file.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
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
  std::string machine;               ///< boot and pid namespace: says whether `pid` means anything here
  std::chrono::seconds untouched{};  ///< negative: touched in the future of this host's clock
  /// "pid 12 on host a (job 7), last active 3 s ago"
  std::string describe() const;
};

/// How often a lock is touched and looked at, and how long one that is not touched is respected.
struct lock_times {
  std::chrono::milliseconds touch{10'000};
  std::chrono::milliseconds lifetime{60'000};
  std::chrono::milliseconds ask{500};
};

/// Holds FILE.lock while it lives, and touches it every 10 s from a thread of its own.
class file_lock {
 public:
  /// Throws io_error if another run holds it, and if something else than a file is in its place. A lock whose process
  /// is gone from this machine, or that was untouched for a minute, is taken over; `notice()` then says from whom. One
  /// that was touched in the future is watched for a minute.
  explicit file_lock(const std::string& file, const lock_times& times = {});
  ~file_lock();
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;
  file_lock(file_lock&&) = delete;
  file_lock& operator=(file_lock&&) = delete;

  const std::string& notice() const { return notice_; }
  /// What the lock file says while this run holds it.
  const std::string& text() const { return text_; }

 private:
  void keep_fresh();

  std::string path_;
  std::string text_;
  std::string notice_;
  lock_times times_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread keeper_;
};

/// Watches, in a thread of its own and on any rank, whether FILE.lock is still that of the own run. It is lost when it
/// says something else (another run took it over, since this one was suspended for a minute, say), or is gone after
/// this process was not running for half a lifetime: a file system that is slow, or does not answer, loses nothing.
class lock_watch {
 public:
  /// `text` is file_lock::text() of the root's; `on_loss` is called once, from the thread.
  lock_watch(const std::string& file, std::string text, std::function<void()> on_loss, const lock_times& times = {});
  ~lock_watch();
  lock_watch(const lock_watch&) = delete;
  lock_watch& operator=(const lock_watch&) = delete;
  lock_watch(lock_watch&&) = delete;
  lock_watch& operator=(lock_watch&&) = delete;

  /// Asks now; throws io_error if it is lost. Any thread may ask.
  void require_held();

 private:
  void ask();
  void watch();

  std::string path_;
  std::string text_;
  std::function<void()> on_loss_;
  lock_times times_;
  std::atomic<std::chrono::steady_clock::duration> looked_ = std::chrono::steady_clock::now().time_since_epoch();
  std::atomic<bool> lost_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread watcher_;
};

/// The run that holds the lock of a results file, if there is one and it seems to live.
std::optional<lock_owner> living_owner(const std::string& file);

}  // namespace cotscale
