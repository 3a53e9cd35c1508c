// `roll_out d m K prompts`: one thread's roll-outs; prints CPU microseconds a prompt, those of drawing its sample
// covariance and weight, and the mean error after 1 and 5 steps. roll_out.py compares it with peers/lsa.py, which
// prints the same for the same model, A = I/1.5 on Σ = I.
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <span>
#include <vector>

#include "bench.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/eval/roll_out.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/model/pseudo_newton.hpp"

using namespace cotscale;

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: roll_out d m K prompts\n");
    return 2;
  }
  const int d = std::atoi(argv[1]), m = std::atoi(argv[2]), steps = std::atoi(argv[3]), prompts = std::atoi(argv[4]);
  set_thread_count(1);
  const blas_threads one(1);

  const covariance sigma(std::vector<double>(static_cast<std::size_t>(d), 1.0));
  const matrix a = matrix::diagonal(std::vector<double>(static_cast<std::size_t>(d), 1 / 1.5));
  const lane_errors chain = [&](const prompt_lanes& p, matrix& errors) { pseudo_newton(a, p, errors); };
  const wishart_prompts source(sigma, m, {1, 2});
  const auto roll_out = [&] { return evaluate(chain, steps + 1, source, prompts, {}); };
  error_table errors = roll_out();  // warms up

  constexpr double at_least = 0.4;
  const double seconds = bench::cpu_seconds_of([&] { errors = roll_out(); }, at_least) / prompts;
  prompt_lanes lanes;
  std::uint64_t block = 0;
  const double drawing = bench::cpu_seconds_of([&] { source.draw(block++, lanes); }, at_least / 2) / lane_count;
  const auto mean = [&](int k) {
    const std::span<double> values = errors.row(k);
    return std::accumulate(values.begin(), values.end(), 0.0) / prompts;
  };
  fmt::print("{} {} {} {}\n", 1e6 * seconds, 1e6 * drawing, mean(1), mean(5));
}
