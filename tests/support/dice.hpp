// Random settings of tests, the same on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace cotscale::support {

/// Draws with equal probability; std::mt19937_64 is the same everywhere, the distributions of the library are not.
class dice {
 public:
  explicit dice(std::uint64_t seed) : generator_(seed) {}
  template<class T>
  T one_of(const std::vector<T>& choices) {
    return choices[generator_() % choices.size()];
  }
  double between(double low, double high) {
    return low + (high - low) * static_cast<double>(generator_() >> 11) * 0x1p-53;
  }

 private:
  std::mt19937_64 generator_;
};

}  // namespace cotscale::support
