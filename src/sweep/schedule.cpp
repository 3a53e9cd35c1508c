#include "cotscale/sweep/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <queue>

#include "cotscale/task/moments.hpp"

namespace cotscale {
namespace {

// Seconds on one core of the machine that this was developed on (AMD EPYC 9004, AVX-512); other machines scale all of
// them alike, so that the order of cells and the balance between ranks stay right. tests/bench/cost_model prints
// measured over estimated.
constexpr double seconds_per_cell = 40e-6;
constexpr double seconds_per_normal = 6e-9;
constexpr double seconds_per_flop = 1.2e-10;
constexpr double seconds_per_small_call = 120e-9;
constexpr double seconds_per_prompt = 1.5e-6;

// `largest` and `smallest` eigenvalue of E[Ŝ²]: descent contracts by 1 − η c² λ in each direction.
double training_seconds(const model_specification& model, double d, double largest, double smallest) {
  const double flops = 2 * d * d * d + 4 * d * d;
  if (model.training == training_method::closed_form) return 30 * flops * seconds_per_flop;
  const double rate = model.step_size ? *model.step_size * model.c * model.c * smallest : smallest / largest;
  const double steps = std::min(static_cast<double>(model.max_steps), std::log(1 / model.tolerance) / rate + 2);
  return std::max(1.0, steps) * (flops * seconds_per_flop + 3 * seconds_per_small_call);
}

double roll_out_seconds(const model_specification& model, double d, double m, double steps) {
  const double draw = m * d * (seconds_per_normal + 2 * d * seconds_per_flop);
  if (model.roll_out == roll_out_method::definition) {
    const double tokens = m + steps / 2;
    return draw + steps * (6 * tokens * tokens * d + 16 * tokens * d * d) * seconds_per_flop;
  }
  const double product = d < steps + 1 ? 2 * d * d * d : 2 * d * d * steps;
  return draw + (m * d * d + product) * seconds_per_flop +
         steps * (2 * d * d * seconds_per_flop + seconds_per_small_call) + seconds_per_prompt;
}

}  // namespace

const cost_model::spread& cost_model::training_spread(const cell& c) {
  const auto key = std::pair(c.mixture, c.hardness);
  if (const auto found = spreads_.find(key); found != spreads_.end()) return found->second;
  const covariance lambda = mixture_covariance(spec_, c.mixture, target_covariance(spec_, c.hardness));
  spread s{.smallest = lambda.largest_eigenvalue(), .largest = lambda.largest_eigenvalue(), .trace = lambda.trace()};
  for (const double value : lambda.eigenvalues()) {
    if (value > 0) s.smallest = std::min(s.smallest, value);
  }
  return spreads_.emplace(key, s).first->second;
}

cell_cost cost_model::estimate(const cell& c, int threads) {
  const model_specification& model = spec_.model_tables.at(c.model);
  const spread& s = training_spread(c);
  const auto n = static_cast<double>(c.n);
  const auto second_moment = [&](double l) { return l * gamma_eigenvalue(l, s.trace, n); };
  const double d = spec_.d;
  const double steps = spec_.steps;
  cell_cost cost;
  // Bases, products and factorisations of the covariances, then the powers of theory_limit.
  const double matrices = (30 + 2 * steps) * d * d * d * seconds_per_flop;
  cost.seconds =
      seconds_per_cell + matrices + training_seconds(model, d, second_moment(s.largest), second_moment(s.smallest));
  double per_thread = 0;
  for (const std::int64_t examples : spec_.m) {
    const auto m = static_cast<double>(examples);
    cost.seconds += spec_.prompts * roll_out_seconds(model, d, m, steps) / threads;
    const double tokens = m + steps + 1;
    const double definition = model.roll_out == roll_out_method::definition ? tokens * tokens + 6 * d * tokens : 0;
    per_thread = std::max(per_thread, 2 * d * m + definition + 4 * d * d);
  }
  cost.bytes = static_cast<std::uint64_t>(8 * (per_thread * threads + (steps + 1) * spec_.prompts + 16 * d * d));
  return cost;
}

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
  for (int r = 0; r < ranks; ++r) free_at.push(0);
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
