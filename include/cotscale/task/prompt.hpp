// Prompts of in-context weight prediction (arXiv 2510.03605, section 2).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/task/mixture.hpp"

namespace cotscale {

/// m examples (x_i, y_i = ⟨w, x_i⟩ + ε_i) and the hidden weight w.
struct prompt {
  matrix x;                     ///< (d, m), one example a column
  std::vector<double> y;        ///< (m)
  std::vector<double> w;        ///< (d)
  std::vector<double> noise{};  ///< ε, (m); empty where labels have none
};

/// Draws prompts of a distribution; of a covariance alone, x_i ~ N(0, Σ), w ~ N(0, I) and ε = 0. Prompt number i is a
/// function of (key, i) only.
class prompt_source {
 public:
  /// m ≥ 1 examples a prompt.
  prompt_source(const prompt_distribution& distribution, int m, stream_key key);

  int dimension() const { return d_; }
  int examples() const { return m_; }
  double noise() const { return noise_; }  ///< σ²

  /// Overwrites `out`, reusing its memory.
  void draw(std::uint64_t index, prompt& out) const;

 private:
  std::shared_ptr<const example_sampler> sampler_;
  std::shared_ptr<const weight_prior> weights_;
  double noise_;
  int d_;
  int m_;
  stream_key key_, noise_key_;
};

/// The same of which every prompt draws its task. Prompt number i is a function of (key, i) only.
class mixture_source {
 public:
  /// m ≥ 1 examples a prompt.
  mixture_source(const task_mixture& tasks, int m, stream_key key);

  int dimension() const { return sources_.front().dimension(); }
  int examples() const { return sources_.front().examples(); }
  bool has_noise() const;  ///< of any of the tasks

  /// Overwrites `out`, reusing its memory.
  void draw(std::uint64_t index, prompt& out) const;

 private:
  std::vector<prompt_source> sources_;
  std::vector<double> cumulative_;  // of the probabilities
  stream_key task_key_;
};

}  // namespace cotscale
