#include "cotscale/comm/communicator.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "cotscale/comm/environment.hpp"
#include "main.hpp"

namespace cotscale {
namespace {

TEST(communicator, sums_and_gathers_over_ranks) {
  const std::int64_t p = world().size();
  EXPECT_EQ(world().sum(std::int64_t{world().rank()}), p * (p - 1) / 2);
  EXPECT_EQ(world().max(static_cast<double>(world().rank())), static_cast<double>(p - 1));
  const std::vector<std::int64_t> ranks = world().gather(10 * world().rank());
  ASSERT_EQ(ranks.size(), static_cast<std::size_t>(p));
  for (std::int64_t r = 0; r < p; ++r) EXPECT_EQ(ranks[static_cast<std::size_t>(r)], 10 * r);
}

TEST(communicator, broadcasts_the_roots_texts_and_vectors) {
  EXPECT_EQ(world().broadcast(world().is_root() ? std::string("w₀ = 0") : std::string("mine")), "w₀ = 0");
  EXPECT_EQ(world().broadcast(world().is_root() ? std::string() : std::string("mine")), "");
  const std::vector<double> mine(world().is_root() ? 3 : 1, world().is_root() ? 0.5 : 2.0);
  EXPECT_EQ(world().broadcast(mine), std::vector<double>(3, 0.5));
}

TEST(communicator, an_error_of_the_root_reaches_every_rank_with_code_and_message) {
  try {
    world().on_root([] { throw mismatch_error("seed: in the file 1, now 2"); });
    FAIL() << "no exception";
  } catch (const agreed_error& e) {
    EXPECT_EQ(e.code(), exit_code::mismatch);
    EXPECT_STREQ(e.what(), "seed: in the file 1, now 2");
  }
}

TEST(communicator, of_several_errors_every_rank_gets_that_of_the_lowest_rank) {
  const int last = world().size() - 1;
  try {
    world().together([&] {
      if (world().rank() >= last - 1) throw io_error("rank " + std::to_string(world().rank()));
    });
    FAIL() << "no exception";
  } catch (const agreed_error& e) {
    EXPECT_EQ(e.code(), exit_code::input_output);
    const std::string lowest = "rank " + std::to_string(std::max(0, last - 1));
    const std::string expected = last - 1 > 0 ? lowest + " on " + host_name() + ": " + lowest : lowest;
    EXPECT_EQ(std::string(e.what()), expected);
  }
}

TEST(communicator, agrees_on_exceptions_of_any_kind) {
  const auto code_of = [](const std::function<void()>& work) {
    try {
      world().on_root(work);
    } catch (const agreed_error& e) {
      return e.code();
    }
    return exit_code::done;
  };
  EXPECT_EQ(code_of([] { throw std::runtime_error("a thread, say"); }), exit_code::internal);
  EXPECT_EQ(code_of([] { throw std::bad_alloc(); }), exit_code::failed_cells);
  EXPECT_EQ(code_of([] { std::filesystem::create_directory("/proc/nowhere"); }), exit_code::input_output);
}

TEST(communicator, goes_on_after_an_agreed_error) {
  EXPECT_THROW(world().on_root([] { throw io_error("disk"); }), agreed_error);
  EXPECT_EQ(world().sum(std::int64_t{1}), world().size());
  int calls = 0;
  world().together([&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(communicator, ranks_of_this_host_share_it) {
  const communicator host = world().on_this_host();
  EXPECT_EQ(host.size(), world().size());  // the tests run on one host
  EXPECT_EQ(host.duplicate().rank(), host.rank());
}

}  // namespace
}  // namespace cotscale
