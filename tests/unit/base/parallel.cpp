#include "cotscale/base/parallel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/threads.hpp"

namespace cotscale {
namespace {

TEST(parallel_for, calls_every_number_once) {
  for (const int threads : {1, 2, 3, 5}) {
    const support::thread_scope scope(threads);
    for (const int count : {0, 1, 2, 17, 31, 1009}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
      parallel_for(count, [&](int i) { ++calls.at(static_cast<std::size_t>(i)); });
      for (std::size_t i = 0; i < calls.size(); ++i) {
        EXPECT_EQ(calls[i], 1) << "call " << i << " of " << count << " on " << threads << " threads";
      }
    }
  }
}

// Call 0 and call 1 each wait until the other one has begun.
TEST(parallel_for, runs_calls_side_by_side) {
  const support::thread_scope scope(2);
  std::atomic<int> begun = 0;
  std::atomic<int> met = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  parallel_for(2, [&](int) {
    ++begun;
    while (begun < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    if (begun == 2) ++met;
  });
  EXPECT_EQ(met, 2);
}

TEST(parallel_for, rethrows_the_exception_of_the_smallest_number) {
  for (const int threads : {1, 2, 3, 4}) {
    const support::thread_scope scope(threads);
    for (int attempt = 0; attempt < 50; ++attempt) {
      const auto loop = [] {
        parallel_for(100, [](int i) {
          // The later a call, the sooner it throws: the first to throw is seldom the smallest.
          if (i >= 7) std::this_thread::sleep_for(std::chrono::microseconds(i < 10 ? 300 / i : 0));
          if (i >= 7) throw std::runtime_error("call " + std::to_string(i));
        });
      };
      EXPECT_THAT(loop, testing::ThrowsMessage<std::runtime_error>("call 7")) << threads << " threads";
    }
  }
}

TEST(parallel_for, has_stopped_all_threads_when_it_throws) {
  const support::thread_scope scope(3);
  std::atomic<int> running = 0;
  const auto loop = [&] {
    parallel_for(64, [&](int i) {
      ++running;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      --running;
      if (i == 1) throw std::runtime_error("call 1");
    });
  };
  EXPECT_THROW(loop(), std::runtime_error);
  EXPECT_EQ(running, 0);
}

TEST(parallel_for, can_be_used_again_after_an_exception) {
  EXPECT_THROW(parallel_for(3, [](int) { throw std::runtime_error("once"); }), std::runtime_error);
  std::atomic<int> calls = 0;
  EXPECT_NO_THROW(parallel_for(3, [&](int) { ++calls; }));
  EXPECT_EQ(calls, 3);
}

TEST(thread_count, is_what_was_set) {
  const support::thread_scope scope(1);
  for (const int threads : {1, 2, 7}) {
    set_thread_count(threads);
    EXPECT_EQ(thread_count(), threads);
  }
}

}  // namespace
}  // namespace cotscale
