// Roll-outs of isotropic prompts in bidiagonal form at d = 10⁶, m = 10⁷, K = 30: CPU microseconds a prompt on one
// thread, the share of drawing, and the ratios to its random numbers alone and to Wishart prompts of d = 40, all in
// turn.
#include <fmt/format.h>

#include <cstdint>
#include <vector>

#include "bench.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/eval/roll_out.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/pseudo_newton.hpp"

using namespace cotscale;

namespace {

// As many χ numbers as a block of eight prompts takes.
double random_numbers_alone(int d, int m, int steps) {
  std::vector<double> degrees(lane_count, d);
  for (int j = 0; j < steps; ++j) {
    degrees.insert(degrees.end(), lane_count, m - j);
    degrees.insert(degrees.end(), lane_count, d - 1 - j);
  }
  std::vector<double> chi(degrees.size());
  std::uint64_t block = 0;
  return bench::cpu_seconds_of([&] { fill_chi({1, 2}, block++, degrees, chi); }, 0.1) / lane_count;
}

double drawing(const lane_source& source) {
  prompt_lanes lanes;
  std::uint64_t block = 0;
  return bench::cpu_seconds_of([&] { source.draw(block++, lanes); }, 0.1) / lane_count;
}

double roll_out(const matrix& a, const lane_source& source, int steps, int prompts) {
  const lane_errors chain = [&](const prompt_lanes& p, matrix& errors) { pseudo_newton(a, p, errors); };
  return bench::cpu_seconds_of([&] { evaluate(chain, steps + 1, source, prompts, {}); }, 0.1) / prompts;
}

}  // namespace

int main() {
  set_thread_count(1);
  const blas_threads one(1);
  constexpr int d = 1'000'000, m = 10'000'000, steps = 30, few = 40;
  const int prompts = bench::sized(4096, 64), rounds = bench::sized(9, 1);
  matrix scalar(1, 1);
  scalar(0, 0) = 1 / 1.5;
  const matrix full = matrix::diagonal(std::vector<double>(few, 1 / 1.5));
  const bidiagonal_prompts source(covariance::isotropic(d, 1), m, steps, {1, 2});
  const wishart_prompts wishart(covariance(std::vector<double>(few, 1.0)), 10 * few, {1, 2});
  std::vector<double> own, drawn, numbers, peer;
  for (int round = 0; round < rounds; ++round) {
    own.push_back(roll_out(scalar, source, steps, prompts));
    drawn.push_back(drawing(source));
    numbers.push_back(random_numbers_alone(d, m, steps));
    peer.push_back(roll_out(full, wishart, steps, bench::sized(512, 64)));
  }
  const double time = bench::median(own);
  fmt::print("d = 1e6, m = 1e7, K = 30: {:.2f} us a prompt (limit 2), {:.0f} % of it drawing\n", 1e6 * time,
             100 * bench::median(drawn) / time);
  fmt::print("  {:.2f} times its random numbers alone; Wishart prompts of d = 40, m = 400 take {:.1f} times as long\n",
             time / bench::median(numbers), bench::median(peer) / time);
  return 0;
}
