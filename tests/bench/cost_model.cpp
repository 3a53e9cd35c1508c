// Measured over estimated CPU seconds of cells, for settings far apart. Only their spread matters to the schedule (a
// machine that is slower throughout keeps the order of cells); the constants are in src/experiment/cost_model.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "bench.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/experiment/cell.hpp"
#include "cotscale/experiment/cost_model.hpp"
#include "cotscale/linalg/blas.hpp"

using namespace cotscale;

namespace {

struct setting {
  int d, m, k, prompts;
  double hardness = 1;  ///< over d
  std::string training = "closed_form", roll_out = "recursion", sampler = "wishart";
  bool baselines = false;
  int n = 20;
  std::string size = {}, objective = "direct";  ///< of a transformer
  int k_train = 1;
};

std::vector<setting> settings() {
  std::vector<setting> all;
  for (const int d : {2, 10, 30, 100}) {
    for (const int k : {1, 30, 100}) {
      const int prompts = std::max(40, 400'000 / (d * d));
      for (const int m : {1, d, 2000}) {
        all.push_back({.d = d, .m = m, .k = k, .prompts = prompts});
        all.push_back({.d = d, .m = m, .k = k, .prompts = prompts, .baselines = true});
      }
      for (const int m : {10, 100, 2000}) {
        all.push_back({.d = d, .m = m, .k = k, .prompts = std::max(20, 200'000 / (d * m)), .sampler = "explicit"});
      }
    }
  }
  for (const int prompts : {1, 64, 1000, 20'000}) all.push_back({.d = 10, .m = 100, .k = 30, .prompts = prompts});
  for (const int d : {2, 10, 30, 100}) {  // next to nothing but training
    all.push_back({.d = d, .m = 10, .k = 1, .prompts = 1});
    for (const double hardness : {1.0, 3.0, 30.0}) {
      if (d == 100 && hardness > 3) continue;
      all.push_back({.d = d, .m = 10, .k = 1, .prompts = 1, .hardness = hardness, .training = "population"});
    }
  }
  for (const int d : {2, 10, 20}) {
    for (const int m : {20, 200}) {
      all.push_back({.d = d, .m = m, .k = 10, .prompts = 4, .roll_out = "definition", .sampler = "explicit"});
    }
  }
  for (const int d : {2, 10, 30}) {  // the steps are few, for the benchmark's sake
    for (const int n : {5, 200}) all.push_back({.d = d, .m = 10, .k = 5, .prompts = 8, .training = "samples", .n = n});
  }
  for (const std::string size : {"tiny", "small"}) {
    for (const int n : {10, 40}) {
      for (const auto& [objective, k_train] : {std::pair{"direct", 1}, {"rollout", 20}, {"process", 8}}) {
        all.push_back({.d = 5,
                       .m = n,
                       .k = 1,
                       .prompts = 8,
                       .training = "samples",
                       .sampler = "explicit",
                       .n = n,
                       .size = size,
                       .objective = objective,
                       .k_train = k_train});
      }
    }
  }
  return all;
}

// Keys of the model; a few steps stand for all.
std::string model_keys(const setting& s) {
  if (s.size.empty()) {
    return fmt::format("architecture = 'lsa'\ntraining = '{}'\nroll_out = '{}'\n{}", s.training, s.roll_out,
                       s.training == "samples" ? "steps = 30\n" : "");
  }
  const std::string chain = s.objective == "direct" ? "" : fmt::format("k_train = {}\n", s.k_train);
  return fmt::format("architecture = 'gpt2'\nsize = '{}'\nobjective = '{}'\n{}steps = 6\n", s.size, s.objective, chain);
}

struct cost {
  double measured, estimated;
};

cost measure(const setting& s) {
  const specification spec = parse_specification(
      fmt::format(
          "[sweep]\nname = 'cost'\nseed = 1\nmodels = ['lsa']\nmixtures = ['matched']\nhardness = {:.6f}\nn = {}\n"
          "[task]\nd = {}\n[test]\nk = {}\nm = {}\nprompts = {}\nsampler = '{}'\nbaselines = {}\n"
          "[models.lsa]\n{}",
          s.hardness * s.d, s.n, s.d, s.k, s.m, s.prompts, s.sampler, s.baselines, model_keys(s)),
      "cost.toml", ".");
  const coordinates grid = make_coordinates(spec);
  const cell c = make_cell(grid, 0);
  std::vector<double> seconds;
  for (int i = 0; i < 3; ++i) {
    seconds.push_back(bench::cpu_seconds_of([&] { compute_cell(spec, grid, c, {}); }, 0.02));
  }
  return {.measured = bench::median(seconds), .estimated = cost_model(spec).estimate(c, 1).seconds};
}

}  // namespace

int main() {
  set_thread_count(1);
  const blas_threads one(1);
  fmt::print("{:>4}{:>6}{:>5}{:>8}{:>10}  {:<16}{:<12}{:<10}{:<11}{:>12}{:>12}{:>8}\n", "d", "m", "K", "prompts",
             "hardness", "training", "roll-out", "sampler", "baselines", "measured s", "estimated s", "ratio");
  std::vector<double> logarithms;
  const std::vector<setting> all = settings();
  const std::size_t step = bench::sized<std::size_t>(1, 20);
  for (std::size_t i = 0; i < all.size(); i += step) {
    const setting& s = all[i];
    const cost c = measure(s);
    logarithms.push_back(std::log(c.measured / c.estimated));
    fmt::print("{:>4}{:>6}{:>5}{:>8}{:>10}  {:<16}{:<12}{:<10}{:<11}{:>12.3g}{:>12.3g}{:>8.2f}\n", s.d, s.m, s.k,
               s.prompts, s.hardness * s.d, s.size.empty() ? s.training : fmt::format("{} {}", s.size, s.objective),
               s.roll_out, s.sampler, s.baselines, c.measured, c.estimated, c.measured / c.estimated);
    std::fflush(stdout);
  }
  const auto count = static_cast<double>(logarithms.size());
  const double mean = std::accumulate(logarithms.begin(), logarithms.end(), 0.0) / count;
  double squares = 0;
  for (const double value : logarithms) squares += (value - mean) * (value - mean);
  const auto [least, most] = std::minmax_element(logarithms.begin(), logarithms.end());
  fmt::print("geometric mean {:.2f}, geometric spread (one standard deviation) × {:.2f}, least {:.2f}, most {:.2f}\n",
             std::exp(mean), std::exp(std::sqrt(squares / count)), std::exp(*least), std::exp(*most));
}
