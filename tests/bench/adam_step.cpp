// `adam_step d n batch`: one thread's steps of Adam on all of V and W, prompts drawn afresh; prints CPU microseconds a
// step, those of the prompts, and the loss of the first batch and the mean of the 81st to 100th. adam_step.py compares
// it with peers/lsa_adam.py, which prints the same.
#include <fmt/format.h>

#include <cstdlib>
#include <numeric>
#include <vector>

#include "bench.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/train/lsa.hpp"

using namespace cotscale;

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: adam_step d n batch\n");
    return 2;
  }
  const int d = std::atoi(argv[1]), n = std::atoi(argv[2]), batch = std::atoi(argv[3]);
  set_thread_count(1);
  const blas_threads one(1);

  const task_mixture tasks(covariance(std::vector<double>(static_cast<std::size_t>(d), 1.0)));
  const matrix identity = matrix::identity(d);
  lsa_options options;
  options.batch = batch;
  options.steps = 100;
  options.optimizer.learning_rate = 1e-3;
  options.optimizer.schedule = schedule_named("constant");
  std::vector<std::int64_t> recorded{0};
  for (std::int64_t t = 80; t < 100; ++t) recorded.push_back(t);
  const std::vector<double> loss = train_lsa(tasks, n, options, {1, 2}, identity, recorded, {}).record.loss;

  const double training = bench::cpu_seconds_of([&] { train_lsa(tasks, n, options, {1, 2}, identity, {}, {}); }, 1.0);
  const wishart_source source(tasks, n, {1, 2});
  prompt_lanes prompts;
  std::uint64_t block = 0;
  const double drawing = bench::cpu_seconds_of(
      [&] {
        for (int i = 0; i < batch; i += lane_count) source.draw(block++, prompts);
      },
      0.2);
  fmt::print("{} {} {} {}\n", 1e6 * training / 100, 1e6 * drawing, loss.front(),
             std::accumulate(loss.begin() + 1, loss.end(), 0.0) / 20);
}
