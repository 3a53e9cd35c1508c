// Prompts of in-context weight prediction (arXiv 2510.03605, section 2).
#pragma once

#include <cstdint>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/task/covariance.hpp"

namespace cotscale {

/// m examples (x_i, y_i = ⟨w, x_i⟩) and the hidden weight w.
struct prompt {
  matrix x;               ///< (d, m), one example a column
  std::vector<double> y;  ///< (m)
  std::vector<double> w;  ///< (d)
};

/// Draws prompts with x_i ~ N(0, Σ) and w ~ N(0, I). Prompt number i is a function of (key, i) only.
class prompt_source {
 public:
  /// m ≥ 1 examples a prompt.
  prompt_source(const covariance& sigma, int m, stream_key key);

  int dimension() const { return factor_.rows(); }
  int examples() const { return m_; }

  /// Overwrites `out`, reusing its memory.
  void draw(std::uint64_t index, prompt& out) const;

 private:
  matrix factor_;  // F with F Fᵀ = Σ
  int m_;
  stream_key key_;
};

}  // namespace cotscale
