// `select [T [d]]`: CPU seconds of task selection, on one core, next to its dgemm rate in the same run. The quadratic
// programme must end within 60 s at T = 5000, d = 100, with a relative KKT residual of 1e-10 at most.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <vector>

#include "bench.hpp"
#include "cotscale/base/parallel.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/select/exact.hpp"
#include "cotscale/select/plain.hpp"
#include "cotscale/select/quadratic.hpp"
#include "cotscale/task/spectrum.hpp"

using namespace cotscale;

namespace {

double gigaflops() {
  const int size = bench::sized(1000, 100);
  matrix a(size, size, 0.5), b(size, size, 0.25), c(size, size);
  const double seconds = bench::cpu_seconds_of([&] { multiply(1, a, transpose::no, b, transpose::no, 0, c); }, 0.5);
  return 2e-9 * std::pow(size, 3) / seconds;
}

// Sample covariances of `examples` Gaussian examples of Σ each.
std::vector<covariance> dense(int tasks, const covariance& sigma, int examples) {
  const int d = sigma.dimension();
  const matrix root = sigma.apply([](double l) { return std::sqrt(l); });
  std::vector<covariance> out;
  matrix x(d, examples), s;
  for (int l = 0; l < tasks; ++l) {
    fill_normal(key_builder("bench").add(l).key(), 0, x.values());
    gram(1.0 / examples, product(root, x), s);
    out.push_back(covariance::from_matrix(s));
  }
  return out;
}

// fig3's: eigenvalue j^−α on the j-th of B directions drawn without replacement, (α, B) ∈ {0.2, 0.8} × {d/5, d}.
std::vector<covariance> two_level(int tasks, int d) {
  std::vector<covariance> out;
  for (int l = 0; l < tasks; ++l) {
    std::vector<double> order(static_cast<std::size_t>(d));
    fill_normal(key_builder("directions").add(l).key(), 0, order);
    std::vector<int> directions(static_cast<std::size_t>(d));
    std::iota(directions.begin(), directions.end(), 0);
    std::sort(directions.begin(), directions.end(), [&](int a, int b) { return order[a] < order[b]; });
    std::vector<double> values(static_cast<std::size_t>(d));
    const int length = l % 2 == 0 ? std::max(1, d / 5) : d;
    for (int j = 1; j <= length; ++j) values[directions[j - 1]] = std::pow(j, l % 4 < 2 ? -0.2 : -0.8);
    out.emplace_back(values);
  }
  return out;
}

void quadratic(std::string_view name, const std::vector<covariance>& candidates, const covariance& target) {
  const double start = bench::cpu_seconds();
  const quadratic_solution s = select_quadratic(candidates, target, {});
  const double seconds = bench::cpu_seconds() - start;
  const auto support = std::count_if(s.probabilities.begin(), s.probabilities.end(), [](double p) { return p > 0; });
  fmt::print(
      "quadratic, {:<28} {:>6.1f} s ({:.2f} of 60 s), KKT residual {:.1e}, objective {:.6g}, {} of {} tasks, {} "
      "iterations, dgemm {:.1f} Gflop/s\n",
      name, seconds, seconds / 60, s.kkt_residual, s.objective, support, candidates.size(), s.iterations, gigaflops());
  std::fflush(stdout);
}

void exact(int n, int k) {
  const int d = bench::sized(100, 10);
  const covariance target(power_law_spectrum(d, 0.5));
  const std::vector<covariance> candidates = two_level(bench::sized(40, 8), d);
  std::vector<matrix> draws;
  for (const covariance& s : dense(bench::sized(16, 4), target, 1000)) draws.push_back(s.values());
  const std::vector<std::vector<double>> starts{select_quadratic(candidates, target, {}).probabilities,
                                                uniform_mixture(candidates), easy_mixture(candidates),
                                                hard_mixture(candidates), relevant_mixture(candidates, target)};
  const double start = bench::cpu_seconds();
  const exact_problem problem(candidates, draws, n, k);
  const exact_solution s = select_exact(problem, starts, {}, {});
  const double seconds = bench::cpu_seconds() - start;
  fmt::print(
      "exact, n = {}, k = {}: {:.1f} s ({:.2f} of 15 s), {} steps, F {:.5g} from start {}, stationarity {:.1e}; "
      "starts:",
      n, k, seconds, seconds / 15, s.iterations, s.objective, s.start, s.stationarity);
  for (const auto& mixture : starts) fmt::print(" {:.5g}", problem.objective(mixture));
  fmt::print("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int tasks = argc > 1 ? std::atoi(argv[1]) : bench::sized(5000, 20);
  const int d = argc > 2 ? std::atoi(argv[2]) : bench::sized(100, 10);
  set_thread_count(1);
  const blas_threads one(1);
  const covariance target(power_law_spectrum(d, 0.5));
  for (const int n : {50, 200, 1000}) exact(n, 10);
  quadratic("two-level, diagonal", two_level(tasks, d), target);
  quadratic("dense, of d/2 examples", dense(tasks, target, std::max(1, d / 2)), target);
  quadratic("dense, of 2d examples",
            dense(tasks, covariance(std::vector<double>(target.eigenvalues().size(), 1.0)), 2 * d), target);
}
