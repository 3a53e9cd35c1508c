#include "cotscale/schedule/chunks.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>

namespace cotscale {

std::vector<std::size_t> largest_first(std::span<const double> seconds) {
  std::vector<std::size_t> order(seconds.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return seconds[a] > seconds[b]; });
  return order;
}

std::vector<chunk> make_chunks(std::span<const double> seconds, int ranks) {
  constexpr double most = 0.05;
  double remaining = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  std::vector<chunk> chunks;
  for (std::size_t first = 0; first < seconds.size();) {
    const double goal = std::min(most, remaining / (4.0 * ranks));
    chunk c{.first = first, .count = 1, .seconds = seconds[first]};
    while (first + c.count < seconds.size() && c.seconds + seconds[first + c.count] <= goal) {
      c.seconds += seconds[first + c.count++];
    }
    remaining -= c.seconds;
    first += c.count;
    chunks.push_back(c);
  }
  return chunks;
}

double predicted_makespan(std::span<const chunk> chunks, int ranks) {
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  const auto busy = std::min(static_cast<std::size_t>(ranks), chunks.size());  // others get nothing
  for (std::size_t r = 0; r < busy; ++r) free_at.push(0);
  double last = 0;
  for (const chunk& c : chunks) {
    const double end = free_at.top() + c.seconds;
    free_at.pop();
    free_at.push(end);
    last = std::max(last, end);
  }
  return last;
}

}  // namespace cotscale
