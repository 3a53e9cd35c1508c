#include "cotscale/comm/ticket_counter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "main.hpp"

namespace cotscale {
namespace {

// How many ranks took each ticket, over all ranks.
std::vector<std::int64_t> count_over_ranks(const std::vector<std::int64_t>& taken, std::int64_t tickets) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(tickets));
  for (const std::int64_t ticket : taken) ++counts.at(static_cast<std::size_t>(ticket));
  for (std::int64_t& count : counts) count = world().sum(count);
  return counts;
}

std::vector<std::int64_t> take_all(ticket_counter& tickets, bool ask_ahead) {
  std::vector<std::int64_t> taken;
  while (const auto ticket = tickets.take(static_cast<std::int64_t>(taken.size()))) {
    taken.push_back(*ticket);
    if (ask_ahead) tickets.request(static_cast<std::int64_t>(taken.size()));
  }
  return taken;
}

class ticket_counts : public testing::TestWithParam<std::int64_t> {};

TEST_P(ticket_counts, each_ticket_goes_to_exactly_one_rank) {
  for (const bool ask_ahead : {false, true}) {
    std::vector<std::int64_t> taken;
    {
      ticket_counter tickets(world(), GetParam());
      taken = take_all(tickets, ask_ahead);
      EXPECT_FALSE(tickets.take(0).has_value()) << "after the end there is none";
    }
    EXPECT_EQ(count_over_ranks(taken, GetParam()), std::vector<std::int64_t>(static_cast<std::size_t>(GetParam()), 1));
  }
}

INSTANTIATE_TEST_SUITE_P(few_and_many, ticket_counts, testing::Values(0, 1, 3, 500));

TEST(ticket_counter, others_are_served_while_the_root_computes) {
  constexpr std::int64_t count = 40;
  std::int64_t taken = 0;
  {
    ticket_counter tickets(world(), count);
    if (world().is_root() && world().size() > 1) {
      // No MPI call until the others have taken everything: without the server's thread this would never end.
      const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (tickets.finished_elsewhere() < count && std::chrono::steady_clock::now() < limit) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      EXPECT_EQ(tickets.finished_elsewhere(), count);
    } else {
      while (tickets.take(taken)) ++taken;
      tickets.leave(taken);
    }
  }
  EXPECT_EQ(world().sum(taken), count);
}

TEST(ticket_counter, a_rank_that_leaves_early_does_not_hold_up_the_others) {
  std::vector<std::int64_t> taken;
  {
    ticket_counter tickets(world(), 50);
    if (world().rank() == world().size() - 1 && world().size() > 1) {
      tickets.request(0);  // asked, never taken: this ticket is lost
      tickets.leave(0);
      EXPECT_FALSE(tickets.take(0).has_value());
    } else {
      taken = take_all(tickets, true);
    }
  }
  const auto total = world().sum(static_cast<std::int64_t>(taken.size()));
  EXPECT_GE(total, world().size() > 1 ? 49 : 50);
}

// Whoever is asked to stop, all hear of it: also one that has left, and while the root computes.
TEST(ticket_counter, a_request_to_stop_reaches_every_rank) {
  if (world().size() == 1) return;
  for (int asked = 0; asked < world().size(); ++asked) {
    std::atomic<int> mine = 0, heard = 0;
    {
      ticket_counter tickets(world(), 1000, {.mine = [&] { return mine.load(); }, .heard = [&](int l) { heard = l; }});
      if (world().rank() == asked) {
        tickets.leave(0);
        mine = 2;
      }
      const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (heard == 0 && std::chrono::steady_clock::now() < limit) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
    EXPECT_EQ(heard.load(), 2) << "asked was rank " << asked;
  }
}

}  // namespace
}  // namespace cotscale
