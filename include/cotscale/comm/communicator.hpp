// A group of MPI ranks. One rank is an ordinary case.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "cotscale/base/error.hpp"

namespace cotscale {

/// An error that every rank of a communicator has thrown together: the program can end in order, and one rank reports
/// it.
struct agreed_error : error {
  using error::error;
};

/// Value type that shares ownership of the MPI communicator behind it. All members but rank() and size() are
/// collective: every rank of the group must call them, in the same order.
class communicator {
 public:
  struct impl;
  explicit communicator(std::shared_ptr<const impl> p);

  int rank() const noexcept;
  int size() const noexcept;
  bool is_root() const noexcept { return rank() == 0; }

  void barrier() const;
  std::int64_t sum(std::int64_t value) const;
  double sum(double value) const;
  double max(double value) const;

  /// The root's text, on every rank.
  std::string broadcast(std::string text) const;
  template<class T>
  std::vector<T> broadcast(const std::vector<T>& values) const {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* bytes = reinterpret_cast<const char*>(values.data());
    const std::string received = broadcast(std::string(bytes, values.size() * sizeof(T)));
    std::vector<T> out(received.size() / sizeof(T));
    if (!out.empty()) std::memcpy(out.data(), received.data(), received.size());
    return out;
  }
  /// Every rank's value in the order of ranks, on every rank.
  std::vector<std::int64_t> gather(std::int64_t value) const;

  /// Runs `work` on the root only. If it throws there, every rank throws an agreed_error with its code and message.
  void on_root(const std::function<void()>& work) const;

  /// Runs `work` on every rank. If it throws on any rank, every rank throws an agreed_error: that of the lowest such
  /// rank, with its name unless it is the root.
  void together(const std::function<void()>& work) const;

  /// Runs `work` on this rank alone (not collective). If it throws, reports the exception and takes the whole job down
  /// at once, before any destructor of the caller that would wait for the other ranks.
  void or_abort(const std::function<void()>& work) const;

  communicator duplicate() const;
  /// The ranks that share memory with this one.
  communicator on_this_host() const;

  const impl& native() const { return *impl_; }

 private:
  std::shared_ptr<const impl> impl_;
};

}  // namespace cotscale
