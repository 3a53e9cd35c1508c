// `gpt2 tiny|small|standard steps`: one thread's steps of Adam (batch 64, d = 20, n = 40, eight weight tokens); prints
// CPU milliseconds, the operations of the products of matrices that a step needs in GFLOP, and the rate of a core's
// multiply-adds in the same run in GFLOP/s. `chain`: roll-outs of 64 prompts over 20 steps, CPU milliseconds.
// `threads`: as `steps`, on OMP_NUM_THREADS threads; wall milliseconds. `memory`: MB at the peak of a step of a chain
// of 21 (101 tokens). `prefixes`: tokens that a second of CPU trains on, d = 5, n = 20, chains of 10 (preset fig2c),
// without and with the loss of prefixes. gpt2.py compares them with peers/gpt2.py.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "bench.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/eval/gpt2.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/train/gpt2.hpp"

using namespace cotscale;

namespace {

constexpr int d = 20, n = 40, weight_tokens = 8, batch = 64, chain = 20;
constexpr stream_key key{1, 2};

gpt2_size size_of(const std::string& name) {
  if (name == "tiny") return gpt2_tiny;
  return name == "small" ? gpt2_small : gpt2_standard;
}

covariance identity() { return covariance(std::vector<double>(d, 1.0)); }

struct step_cost {
  double seconds, peak_rate;
};

// Of a step, without what a training costs once; and the core's rate of multiply-adds beside it. Medians of turns.
step_cost cost_of_step(gpt2_size size, double (*clock)()) {
  gpt2_options options;
  options.size = size;
  options.batch = batch;
  options.objective = objective_named("process", fmt::format("k_train = {}", weight_tokens));
  const task_mixture tasks(identity());
  const auto seconds = [&](std::int64_t steps) {
    options.steps = steps;
    const double start = clock();
    train_gpt2(tasks, n, options, key, {}, {});
    return clock() - start;
  };
  const std::int64_t steps = bench::smoke() ? 1 : (size == gpt2_tiny ? 40 : (size == gpt2_small ? 8 : 1));
  seconds(1);  // memory that is touched and kernels that are generated for the first time
  std::vector<double> step, rate;
  for (int turn = 0; turn < bench::sized(5, 1); ++turn) {
    rate.push_back(bench::peak_rate());
    const double once = seconds(1);
    step.push_back((seconds(steps + 1) - once) / static_cast<double>(steps));
  }
  return {.seconds = bench::median(step), .peak_rate = bench::median(rate)};
}

// In turn, lest other work of the machine weighs on one of them.
std::array<double, 2> tokens_per_second_with_prefixes(gpt2_size size) {
  constexpr int short_d = 5, short_n = 20, k = 10;
  const task_mixture tasks(covariance(std::vector<double>(short_d, 1.0)));
  std::array<double, 2> tokens{}, seconds{};
  for (int turn = 0; turn < bench::sized(8, 1); ++turn) {
    for (const std::size_t with : {0U, 1U}) {
      gpt2_options options;
      options.size = size;
      options.objective = objective_named("rollout", fmt::format("k_train = {}", k));
      options.steps = bench::sized(30, 1);
      options.prefix_weight = static_cast<double>(with);
      const double start = bench::cpu_seconds();
      const gpt2_record record = train_gpt2(tasks, short_n, options, key, {}, {}).record;
      seconds.at(with) += bench::cpu_seconds() - start;
      tokens.at(with) += record.tokens_per_second * record.seconds;
    }
  }
  return {tokens[0] / seconds[0], tokens[1] / seconds[1]};
}

// Of the products of matrices that a step cannot do without. The last block has queries of the weight tokens only.
double step_operations(gpt2_size size) {
  constexpr double examples = 2 * n, weights = weight_tokens, tokens = examples + weights;
  const double width = size.width, above = size.layers - 1;
  const double blocks = width * width * (12 * tokens * above + 2 * tokens + 10 * weights);
  const double scores = 2 * width * ((above * tokens * (tokens + 1) + weights * (examples + tokens + 1)) / 2);
  const double ends = tokens * (d + 1) * width * 2 / 3 + weights * d * width;  // prompts have no gradient
  return batch * 2 * 3 * (blocks + scores + ends);
}

double roll_out_seconds(gpt2_size size) {
  const gpt2_layout layout({.d = d, .size = size, .examples = n, .chain = chain});
  const gpt2_model model{layout.configuration(), initial_gpt2(layout, *initialisation_named("fan_in"), key)};
  const prompt_source source(identity(), n, key);
  evaluate_gpt2(model, matrix::identity(d), chain, source, batch, {});
  return bench::cpu_seconds_of([&] { evaluate_gpt2(model, matrix::identity(d), chain, source, batch, {}); }, 0.5);
}

double peak_megabytes(gpt2_size size) {
  gpt2_options options;
  options.size = size;
  options.batch = batch;
  options.steps = 1;
  options.objective = objective_named("outcome", "k_train = 21");
  train_gpt2(task_mixture(identity()), n, options, key, {}, {});
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc == 3 ? argv[2] : "";
  constexpr std::array<std::string_view, 5> known{"steps", "chain", "threads", "memory", "prefixes"};
  if (std::find(known.begin(), known.end(), what) == known.end()) {
    fmt::print(stderr, "usage: gpt2 tiny|small|standard steps|chain|threads|memory|prefixes\n");
    return 2;
  }
  const gpt2_size size = size_of(argv[1]);
  const blas_threads one(1);
  if (what == "steps") {
    const auto [seconds, peak_rate] = cost_of_step(size, bench::cpu_seconds);
    fmt::print("{} {} {}\n", 1e3 * seconds, 1e-9 * step_operations(size), 1e-9 * peak_rate);
  } else if (what == "chain") {
    fmt::print("{}\n", 1e3 * roll_out_seconds(size));
  } else if (what == "threads") {
    fmt::print("{}\n", 1e3 * cost_of_step(size, bench::wall_seconds).seconds);
  } else if (what == "prefixes") {
    fmt::print("{}\n", fmt::join(tokens_per_second_with_prefixes(size), " "));
  } else {
    fmt::print("{}\n", peak_megabytes(size));
  }
}
