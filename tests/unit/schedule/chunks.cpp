#include "cotscale/schedule/chunks.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <span>
#include <vector>

namespace cotscale {
namespace {

TEST(schedule, sorts_largest_first_and_keeps_the_order_of_equals) {
  const std::vector<double> seconds{1, 5, 1, 9, 5};
  EXPECT_EQ(largest_first(seconds), (std::vector<std::size_t>{3, 1, 4, 0, 2}));
  EXPECT_TRUE(largest_first({}).empty());
}

void expect_partition(const std::vector<chunk>& chunks, std::span<const double> seconds) {
  std::size_t next = 0;
  for (const chunk& c : chunks) {
    EXPECT_EQ(c.first, next);
    EXPECT_GE(c.count, 1U);
    const auto part = seconds.subspan(c.first, c.count);
    EXPECT_NEAR(c.seconds, std::accumulate(part.begin(), part.end(), 0.0), 1e-12);
    next += c.count;
  }
  EXPECT_EQ(next, seconds.size());
}

TEST(schedule, chunks_are_a_partition_in_order) {
  for (const int ranks : {1, 2, 7, 1000}) {
    std::vector<double> seconds(10'000, 3e-4);
    seconds[0] = 2;
    seconds[1] = 0.04;
    expect_partition(make_chunks(seconds, ranks), seconds);
  }
  EXPECT_TRUE(make_chunks({}, 4).empty());
}

TEST(schedule, long_cells_go_alone_and_trivial_ones_in_bundles_that_shrink) {
  const std::vector<double> seconds(10'000, 3e-4);
  const std::vector<chunk> chunks = make_chunks(seconds, 2);
  EXPECT_LT(chunks.size(), 200U);
  EXPECT_NEAR(chunks.front().seconds, 0.05, 3e-4);
  EXPECT_EQ(chunks.back().count, 1U);
  for (const chunk& c : make_chunks(std::vector<double>{3, 2, 1, 0.5}, 2)) EXPECT_EQ(c.count, 1U);
}

TEST(schedule, makespan_is_that_of_list_scheduling) {
  const std::vector<chunk> chunks{{0, 1, 5}, {1, 1, 4}, {2, 1, 3}, {3, 1, 3}};
  EXPECT_DOUBLE_EQ(predicted_makespan(chunks, 1), 15);
  EXPECT_DOUBLE_EQ(predicted_makespan(chunks, 2), 8);  // 5 + 3 beside 4 + 3
  EXPECT_DOUBLE_EQ(predicted_makespan(chunks, 9), 5);
  EXPECT_DOUBLE_EQ(predicted_makespan({}, 3), 0);
}

TEST(schedule, more_ranks_than_chunks_change_nothing_and_take_no_time) {
  const std::vector<chunk> chunks{{0, 1, 5}, {1, 1, 4}};
  EXPECT_DOUBLE_EQ(predicted_makespan(chunks, 1'000'000'000), 5);
}

}  // namespace
}  // namespace cotscale
