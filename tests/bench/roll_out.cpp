// `roll_out d m K prompts`: one thread's roll-outs; prints CPU microseconds a prompt, those of its random numbers, and
// the mean error after 1 and 5 steps. roll_out.py compares it with peers/lsa.py, which prints the same for the same
// model, A = I/1.5 on Σ = I.
#include <fmt/format.h>

#include <cstdlib>
#include <numeric>
#include <span>
#include <vector>

#include "bench.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/eval/roll_out.hpp"
#include "cotscale/linalg/blas.hpp"

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
  const matrix identity = matrix::identity(d);
  const roll_out model = lsa_recursion({.c = 1, .v31 = combination(-1 / 1.5, identity, 0, identity)});
  const prompt_source source(sigma, m, {1, 2});
  error_table errors = roll_out_errors(model, source, prompts, steps, {});  // warms up

  constexpr double at_least = 0.4;
  const double seconds =
      bench::cpu_seconds_of([&] { errors = roll_out_errors(model, source, prompts, steps, {}); }, at_least) / prompts;
  std::vector<double> x(static_cast<std::size_t>(d * m)), w(static_cast<std::size_t>(d));
  std::uint64_t substream = 0;
  const double drawing = bench::cpu_seconds_of(
      [&] {
        fill_normal({1, 2}, substream++, x);
        fill_normal({1, 2}, substream++, w);
      },
      at_least / 2);
  const auto mean = [&](int k) {
    const std::span<double> values = errors.at_step(k);
    return std::accumulate(values.begin(), values.end(), 0.0) / prompts;
  };
  fmt::print("{} {} {} {}\n", 1e6 * seconds, 1e6 * drawing, mean(1), mean(5));
}
