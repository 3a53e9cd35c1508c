// Blocks of eight prompts of any mixture, by the fastest way that is exact.
#pragma once

#include <cstdint>
#include <optional>

#include "cotscale/task/prompt.hpp"
#include "cotscale/task/wishart.hpp"

namespace cotscale {

/// Makes room for eight prompts of m examples in d dimensions, with the noise of labels or without.
void start_lanes(int d, int m, bool noisy, prompt_lanes& out);

/// Puts a prompt into one lane: L is the lower trapezoidal factor of X, (d, min(d, m)), with L Lᵀ = X Xᵀ.
void put_prompt(const prompt& p, int lane, prompt_lanes& out);

/// Prompts of m examples of a mixture; prompt i, lane i % 8 of block i / 8, is a function of (key, i) only. Drawn as
/// Wishart matrices if the features of all tasks are Gaussian, else with all their examples.
class lane_sampler {
 public:
  /// m ≥ 1.
  lane_sampler(const task_mixture& tasks, int m, stream_key key);

  int dimension() const { return wishart_ ? wishart_->dimension() : examples_->dimension(); }
  int examples() const { return wishart_ ? wishart_->examples() : examples_->examples(); }

  /// Overwrites `out`, reusing its memory.
  void draw(std::uint64_t block, prompt_lanes& out) const;

 private:
  std::optional<wishart_source> wishart_;
  std::optional<mixture_source> examples_;
};

}  // namespace cotscale
