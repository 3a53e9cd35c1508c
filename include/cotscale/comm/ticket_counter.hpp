// A counter shared by all ranks, for handing out work.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "cotscale/comm/communicator.hpp"

namespace cotscale {

/// How a rank learns that the run has to stop, and tells the others. Levels: 0 go on; a higher one is more urgent. Both
/// functions are called from a thread of the counter.
struct stop_channel {
  std::function<int()> mine = [] { return 0; };  ///< what this rank was asked for, by a signal or a failure, say
  std::function<void(int)> heard = [](int) {};   ///< told what any rank was asked for, within 0.2 s
};

/// Hands out the tickets 0, 1, …, count − 1, each to one rank. A thread of the root answers the other ranks, so that
/// they never wait for what the root computes, over shared memory and over TCP alike (a one-sided counter makes them
/// wait over TCP until the root enters MPI). The same thread passes on requests to stop, from any rank to all.
class ticket_counter {
 public:
  /// Collective.
  ticket_counter(const communicator& all, std::int64_t count, stop_channel stop = {});
  /// finish(0).
  ~ticket_counter();
  ticket_counter(const ticket_counter&) = delete;
  ticket_counter& operator=(const ticket_counter&) = delete;
  ticket_counter(ticket_counter&&) = delete;
  ticket_counter& operator=(ticket_counter&&) = delete;

  /// Asks for the next ticket without waiting for it, so that it arrives while this rank still computes. No effect if
  /// asked already. `finished`: the work items that this rank has finished so far, for finished_elsewhere().
  void request(std::int64_t finished);

  /// The next ticket, or nothing when all are gone. Waits for the answer to request(), which it makes if need be.
  std::optional<std::int64_t> take(std::int64_t finished);

  /// This rank takes no more; a ticket that was requested but not taken is lost (nobody gets it). Idempotent.
  void leave(std::int64_t finished);

  /// Leaves, and waits, without spinning, until every rank has left. Until then this one can be told to stop, and tell
  /// others. Afterwards no thread of the counter calls MPI any more. Idempotent.
  void finish(std::int64_t finished);

  /// On the root: work items that the other ranks have reported as finished. Any thread may call it.
  std::int64_t finished_elsewhere() const { return finished_elsewhere_.load(); }

  /// Seconds that this rank has waited in take().
  double seconds_waited() const { return seconds_waited_; }

 private:
  struct pending;
  std::int64_t next() { return next_.fetch_add(1); }
  void serve();
  void listen();
  void spread(int level);
  std::int64_t await_answer();

  communicator comm_;
  std::int64_t count_;
  std::atomic<std::int64_t> next_ = 0;
  std::atomic<std::int64_t> finished_elsewhere_ = 0;
  stop_channel stop_;
  int spread_ = 0;  // the level that the root has told the others
  // Held around every MPI call of a rank other than the root: with two threads in Open MPI 4.1 at once, a message was
  // seen to be lost.
  std::mutex one_caller_;
  std::unique_ptr<pending> pending_;
  bool requested_ = false;
  std::atomic<bool> left_ = false;
  double seconds_waited_ = 0;
  std::thread thread_;  // serves on the root, listens elsewhere
};

}  // namespace cotscale
