// Targets and numbers of examples on which baselines are evaluated, and the prompts that they see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

#include "cotscale/eval/baselines.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {

enum which : std::uint8_t { least_squares, ridge, gradient_descent, oracle };

inline constexpr int prompts = 43;
inline constexpr int steps = 6;

using all_errors = std::vector<baseline_errors>;

inline std::string_view name_of(std::size_t i) { return baselines()[i]->name; }

struct problem {
  problem(covariance target, int examples) : sigma(std::move(target)), m(examples), source(sigma, m, {5, 7}) {}

  all_errors evaluated(int count = prompts, int k = steps) const {
    return evaluate_baselines(baselines_for(false), {sigma, m, k}, wishart_prompts(sigma, m, {5, 7}), count,
                              std::stop_token());
  }
  // Calls visit(prompt number, Ŝ, w).
  void for_each(int count, const std::function<void(std::size_t, const matrix&, const matrix&)>& visit) const {
    const blas_threads one(1);
    prompt_lanes p;
    for (int i = 0; i < count; ++i) {
      source.draw(static_cast<std::uint64_t>(i / lane_count), p);
      visit(static_cast<std::size_t>(i), gram_of_lane(1.0 / m, p.factor, i % lane_count),
            p.w.block(0, i % lane_count, sigma.dimension(), 1));
    }
  }

  covariance sigma;
  int m;
  wishart_prompts source;
};

inline covariance rotated(const std::vector<double>& eigenvalues) {
  return {eigenvalues, random_rotation(static_cast<int>(eigenvalues.size()), key_builder("baselines").key())};
}

inline std::vector<problem> problems() {
  std::vector<problem> out;
  for (const int m : {1, 4, 5, 6, 50}) {
    out.emplace_back(rotated({2, 1.5, 1, 0.4, 0.1}), m);
    out.emplace_back(covariance({2, 1.5, 1, 0.4, 0.1}), m);
  }
  return out;
}

inline double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace cotscale
