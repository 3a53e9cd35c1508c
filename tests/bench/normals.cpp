// Standard normal numbers: fill_normal() against the same numbers by Random123's generator and the C library's
// functions, against the standard library's, and against writing the same memory and nothing else. The limit is 0.5 ns.
#include <Random123/threefry.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <random>
#include <span>
#include <vector>

#include "bench.hpp"
#include "cotscale/base/random.hpp"

using namespace cotscale;

namespace {

constexpr int repetitions = 7;

constexpr stream_key key{1, 2};
constexpr double limit = 0.5;  // ns a number

// The stream of `key`, counter by counter.
void fill_plainly(std::uint64_t substream, std::span<double> out) {
  using generator = r123::Threefry4x64;
  const generator::key_type k = {{key.low, key.high, 0, 0}};
  constexpr std::size_t lanes = random_block / 4;
  for (std::size_t block = 0; block < out.size(); block += random_block) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const generator::ctr_type words = generator{}({{block / 4 + lane, substream, 0, 0}}, k);
      for (std::size_t pair = 0; pair < 2; ++pair) {
        const std::uint64_t second = words[2 + pair];
        const double radius = std::sqrt(-2 * std::log(1 - static_cast<double>(words[pair] >> 12) * 0x1p-52));
        const double angle = std::numbers::pi / 2 * (static_cast<double>(second >> 12) * 0x1p-52 - 0.5);
        const double along = (second & 1) != 0 ? -radius * std::cos(angle) : radius * std::cos(angle);
        const double across = radius * std::sin(angle);
        const std::size_t first = block + pair * lanes + lane, other = first + 2 * lanes;
        if (first < out.size()) out[first] = (second & 2) != 0 ? across : along;
        if (other < out.size()) out[other] = (second & 2) != 0 ? along : across;
      }
    }
  }
}

bool agree() {
  std::vector<double> ours(1000), plain(1000);
  fill_normal(key, 3, ours);
  fill_plainly(3, plain);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (!(std::abs(ours[i] - plain[i]) < 1e-13)) return false;
  }
  return true;
}

// Nanoseconds a number, medians.
struct rates {
  double ours, plain, standard, write;
};

rates measure(std::span<double> out) {
  std::mt19937_64 engine(1);
  std::normal_distribution<double> normal;
  std::uint64_t substream = 0;
  std::vector<double> ours, plain, standard, write;
  const auto time = [&](std::vector<double>& into, const auto& fill) {
    into.push_back(1e9 * bench::cpu_seconds_of(fill, 0.05) / static_cast<double>(out.size()));
  };
  for (int i = 0; i < repetitions; ++i) {
    time(ours, [&] { fill_normal(key, substream++, out); });
    time(plain, [&] { fill_plainly(substream++, out); });
    time(standard, [&] {
      for (double& value : out) value = normal(engine);
    });
    time(write, [&] {
      std::memset(out.data(), i, out.size_bytes());
      asm volatile("" : : "r"(out.data()) : "memory");  // the next call does not make this one superfluous
    });
  }
  return {bench::median(ours), bench::median(plain), bench::median(standard), bench::median(write)};
}

}  // namespace

int main() {
  if (!agree()) {
    fmt::print(stderr, "normals: fill_normal() and Random123 do not agree\n");
    return 1;
  }
  fmt::print("{:>10}  {:>8}  {:>9}  {:>12}  {:>11}  {:>9}  {:>21}  {:>16}  {:>20}\n", "numbers", "ns ours", "of limit",
             "ns Random123", "ns standard", "ns memset", "times Random123, libm", "times std", "times the write limit");
  for (const std::size_t count : {20, 1'000, 10'000, 4'000'000}) {
    std::vector<double> out(count);
    const rates r = measure(out);
    fmt::print("{:>10}  {:>8.2f}  {:>9.2f}  {:>12.2f}  {:>11.2f}  {:>9.3f}  {:>21.1f}  {:>16.1f}  {:>20.1f}\n", count,
               r.ours, r.ours / limit, r.plain, r.standard, r.write, r.plain / r.ours, r.standard / r.ours,
               r.ours / r.write);
  }
}
