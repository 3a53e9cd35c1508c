// Population training of one large matrix, d = 1024, and the limit of its chain: how much faster two BLAS threads make
// them, beside what they make of a plain product of that size in the same run.
#include <fmt/format.h>

#include <vector>

#include "bench.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/task/spectrum.hpp"
#include "cotscale/theory/closed_forms.hpp"
#include "cotscale/train/lsa_population.hpp"

using namespace cotscale;

int main() {
  const int d = bench::sized(1024, 64);
  const int repetitions = bench::sized(5, 1);
  const covariance lambda(scaled_to_trace(power_law_spectrum(d, 1), d), random_rotation(d, {1, 2}));
  const prompt_moments m = moments(lambda, 2048);
  matrix c(d, d);
  const auto train = [&] { limit_errors(preconditioner(descend(m, {}, {}, {}).model), lambda, 10); };
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
