// What the benchmarks share. The machines they run on are noisy, so every benchmark prints ratios: both sides in turn,
// several times, medians.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

namespace cotscale::bench {

/// Whether a benchmark only has to show that it still runs (`run.sh --smoke`): small, once, and its numbers mean
/// nothing.
inline bool smoke() { return std::getenv("COTSCALE_SMOKE") != nullptr; }

/// The size of something: as it is meant, or small.
template<class T>
T sized(T meant, T small) {
  return smoke() ? small : meant;
}

inline double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// CPU time of this process: for code of one thread, what it would take on a core of its own.
inline double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

/// Seconds of one call by the given clock, from calls that take `at_least` so long together. The clock is read seldom:
/// that is slow.
template<class F>
double seconds_of(F&& call, double at_least, double (*clock)()) {
  for (std::int64_t calls = 1;; calls *= 2) {
    const double start = clock();
    for (std::int64_t i = 0; i < calls; ++i) call();
    const double taken = clock() - start;
    if (taken >= at_least || smoke()) return taken / static_cast<double>(calls);
  }
}

template<class F>
double cpu_seconds_of(F&& call, double at_least) {
  return seconds_of(call, at_least, cpu_seconds);
}

template<class F>
double wall_seconds_of(F&& call, double at_least) {
  return seconds_of(call, at_least, wall_seconds);
}

/// Floating-point operations a second of one core, by a loop of multiply-adds of single precision in registers of the
/// widest kind that this build uses: nothing that multiplies is faster. The best of several turns.
inline double peak_rate() {
#ifdef __AVX512F__
  constexpr int lanes = 16;
#else
  constexpr int lanes = 8;
#endif
  using vector = float __attribute__((vector_size(4 * lanes)));
  const std::int64_t rounds = sized(1'000'000, 1000);
  vector a = {}, b = {}, c = {}, d = {}, e = {}, f = {}, g = {}, h = {}, i = {}, j = {}, k = {}, l = {};
  vector x = vector{} + 0.999F, y = vector{} + 1e-4F;
  asm volatile("" : "+v"(x), "+v"(y));
  double best = 0;
  for (int turn = 0; turn < 5; ++turn) {
    const double start = cpu_seconds();
    for (std::int64_t round = 0; round < rounds; ++round) {
      a = a * x + y, b = b * x + y, c = c * x + y, d = d * x + y, e = e * x + y, f = f * x + y;
      g = g * x + y, h = h * x + y, i = i * x + y, j = j * x + y, k = k * x + y, l = l * x + y;
      asm volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f));
      asm volatile("" : "+v"(g), "+v"(h), "+v"(i), "+v"(j), "+v"(k), "+v"(l));
    }
    best = std::max(best, 2.0 * 12 * lanes * static_cast<double>(rounds) / (cpu_seconds() - start));
  }
  return best;
}

/// Computes for so long, without a call to MPI.
inline void spin(double seconds) {
  for (const double end = wall_seconds() + seconds; wall_seconds() < end;) continue;
}

/// While it lives, this process prints nothing on standard output.
class quiet {
 public:
  quiet() : kept_(dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    if (std::freopen("/dev/null", "w", stdout) == nullptr) std::perror("/dev/null");
  }
  ~quiet() {
    std::fflush(stdout);
    dup2(kept_, STDOUT_FILENO);
    ::close(kept_);
  }
  quiet(const quiet&) = delete;
  quiet& operator=(const quiet&) = delete;
  quiet(quiet&&) = delete;
  quiet& operator=(quiet&&) = delete;

 private:
  int kept_;
};

}  // namespace cotscale::bench
