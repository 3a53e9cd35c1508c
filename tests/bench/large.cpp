// Population training of one large matrix, d = 1024: how much faster two BLAS threads make it, beside what they make of
// a plain product of that size in the same run.
#include <fmt/format.h>

#include <vector>

#include "bench.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/spectrum.hpp"
#include "cotscale/train/population.hpp"

using namespace cotscale;

int main() {
  const int d = bench::sized(1024, 64);
  const int repetitions = bench::sized(5, 1);
  const covariance lambda(scaled_to_trace(power_law_spectrum(d, 1), d), random_rotation(d, {1, 2}));
  const prompt_moments m = moments(lambda, 2048);
  // A given step size, and steps enough that finding it would not matter.
  const descent_options options{.c = 1, .tolerance = 1e-12, .max_steps = 20, .step_size = 1e-4};
  matrix c(d, d);
  const auto train = [&] { descend(m, options, {}, {}); };
  const auto multiply_once = [&] { multiply(1, m.mean, transpose::no, m.second, transpose::no, 0, c); };
  std::vector<double> training, products;
  for (int i = 0; i < repetitions; ++i) {
    double seconds[2][2];
    for (int threads = 1; threads <= 2; ++threads) {
      const blas_threads scope(threads);
      seconds[0][threads - 1] = bench::wall_seconds_of(train, 0.5);
      seconds[1][threads - 1] = bench::wall_seconds_of(multiply_once, 0.3);
    }
    training.push_back(seconds[0][0] / seconds[0][1]);
    products.push_back(seconds[1][0] / seconds[1][1]);
  }
  const double ours = bench::median(training), limit = bench::median(products);
  fmt::print(
      "d = {}, 2 threads: training {:.2f} times as fast as with one, dgemm {:.2f}; ratio {:.2f} (at least 0.8)\n", d,
      ours, limit, ours / limit);
}
