// `gpt2 tiny|small|standard steps`: one thread's steps of Adam (batch 64, d = 20, n = 40, eight weight tokens); prints
// CPU milliseconds, the operations of a step in GFLOP (6 · parameters · tokens and causal attention), and the rate of a
// product of matrices of 2048 in the same run. `chain`: roll-outs of 64 prompts over 20 steps, CPU milliseconds.
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

// Seconds of a step, without what a training costs once.
double step_seconds(gpt2_size size, double (*clock)()) {
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
  const std::int64_t steps = bench::smoke() ? 1 : (size == gpt2_tiny ? 40 : (size == gpt2_small ? 8 : 2));
  const double once = seconds(1);
  return (seconds(steps + 1) - once) / static_cast<double>(steps);
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

double step_operations(gpt2_size size) {
  const gpt2_layout layout({.d = d, .size = size, .examples = n, .chain = weight_tokens});
  const double tokens = 2 * n + weight_tokens;
  const double attention = 12.0 * size.layers * tokens * size.width / 2;  // a token; causal
  return batch * tokens * (6.0 * static_cast<double>(layout.size()) + attention);
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

double product_rate() {
  const int side = bench::sized(2048, 128);
  const auto numbers = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  const std::vector<float> a(numbers, 0.5F), b(numbers, 0.25F);
  std::vector<float> c(numbers);
  const auto multiply_once = [&] {
    multiply(1.0F, {a.data(), side, side}, transpose::no, {b.data(), side, side}, transpose::no, 0.0F,
             {c.data(), side, side});
  };
  multiply_once();
  return 2.0 * side * side * side / bench::cpu_seconds_of(multiply_once, 1.0);
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
    fmt::print("{} {} {}\n", 1e3 * step_seconds(size, bench::cpu_seconds), 1e-9 * step_operations(size),
               1e-9 * product_rate());
  } else if (what == "chain") {
    fmt::print("{}\n", 1e3 * roll_out_seconds(size));
  } else if (what == "threads") {
    fmt::print("{}\n", 1e3 * step_seconds(size, bench::wall_seconds));
  } else if (what == "prefixes") {
    fmt::print("{}\n", fmt::join(tokens_per_second_with_prefixes(size), " "));
  } else {
    fmt::print("{}\n", peak_megabytes(size));
  }
}
