#include "cotscale/experiment/theory_draws.hpp"

#include <algorithm>

namespace cotscale {

int default_most_draws(int d, int steps, int draws) {
  constexpr double multiplications = 5e9, stored = 4e6, many = 102'400;
  constexpr double of_drawing = 2000;  // what drawing a matrix costs beside its powers
  const double per_draw = 2.0 * d * d * d * (steps + 1.0) + of_drawing;
  const double most = std::min({multiplications / per_draw, stored / (steps + 1.0), many});
  int out = draws;
  while (out > 0 && 2.0 * out <= most) out *= 2;
  return out;
}

int default_max_samples(int d, int samples) {
  const auto side = static_cast<std::int64_t>(d);
  const std::int64_t fitting = 10'000'000 / std::max<std::int64_t>(1, side * side);
  return std::max(samples, static_cast<int>(std::min<std::int64_t>(fitting, 16'384)));
}

int most_draws_beside_prompts(const specification& spec) {
  return std::min(spec.theory_most_draws, std::max(spec.theory_draws, spec.prompts));
}

}  // namespace cotscale
