// Standard normal numbers: fill_normal() against the standard library, and against writing the same memory and nothing
// else.
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "bench.hpp"
#include "cotscale/base/random.hpp"

using namespace cotscale;

namespace {

constexpr int repetitions = 7;

// Nanoseconds a number, medians.
struct rates {
  double ours, standard, write;
};

rates measure(std::span<double> out) {
  std::mt19937_64 engine(1);
  std::normal_distribution<double> normal;
  std::uint64_t substream = 0;
  std::vector<double> ours, standard, write;
  const auto time = [&](std::vector<double>& into, const auto& fill) {
    into.push_back(1e9 * bench::cpu_seconds_of(fill, 0.05) / static_cast<double>(out.size()));
  };
  for (int i = 0; i < repetitions; ++i) {
    time(ours, [&] { fill_normal({1, 2}, substream++, out); });
    time(standard, [&] {
      for (double& value : out) value = normal(engine);
    });
    time(write, [&] {
      std::memset(out.data(), i, out.size_bytes());
      asm volatile("" : : "r"(out.data()) : "memory");  // the next call does not make this one superfluous
    });
  }
  return {bench::median(ours), bench::median(standard), bench::median(write)};
}

}  // namespace

int main() {
  fmt::print("{:>12}  {:>12}  {:>12}  {:>12}  {:>22}  {:>20}\n", "numbers", "ns ours", "ns standard", "ns memset",
             "times faster than std", "times the write limit");
  for (const std::size_t count : {20, 1'000, 10'000, 4'000'000}) {
    std::vector<double> out(count);
    const rates r = measure(out);
    fmt::print("{:>12}  {:>12.2f}  {:>12.2f}  {:>12.3f}  {:>22.1f}  {:>20.1f}\n", count, r.ours, r.standard, r.write,
               r.standard / r.ours, r.ours / r.write);
  }
}
