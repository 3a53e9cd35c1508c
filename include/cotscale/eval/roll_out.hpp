// Chain-of-thought roll-outs over many test prompts, eight side by side.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "cotscale/task/lane_sampler.hpp"
#include "cotscale/task/prompt.hpp"

namespace cotscale {

/// Where test prompts come from. Prompt i is lane i % 8 of block i / 8.
class lane_source {  // NOLINT(cppcoreguidelines-special-member-functions)
 public:
  virtual ~lane_source() = default;
  virtual void draw(std::uint64_t block, prompt_lanes& out) const = 0;
};

/// Draws Ŝ as a Wishart matrix, without examples; features must be Gaussian.
class wishart_prompts : public lane_source {
 public:
  wishart_prompts(const prompt_distribution& test, int m, stream_key key) : source_(task_mixture(test), m, key) {}
  void draw(std::uint64_t block, prompt_lanes& out) const override { source_.draw(block, out); }

 private:
  wishart_source source_;
};

/// Draws prompts of s·I in bidiagonal form, with columns for chains of so many steps at least; more do not change what
/// the first ones are.
class bidiagonal_prompts : public lane_source {
 public:
  /// `columns` in all; 0: no more than the chains need.
  bidiagonal_prompts(const covariance& sigma, int m, int steps, stream_key key, int columns = 0)
      : source_(sigma.dimension(), m, sigma.largest_eigenvalue(), steps, key), columns_(columns) {}
  void draw(std::uint64_t block, prompt_lanes& out) const override {
    out.m = source_.examples();
    if (columns_ == 0) {
      source_.draw(block, out.bidiagonal);
    } else {
      source_.draw_longer(block, columns_, out.bidiagonal);
    }
  }

 private:
  bidiagonal_source source_;
  int columns_;
};

/// Draws all examples; L is then the triangular factor of X.
class explicit_prompts : public lane_source {
 public:
  explicit explicit_prompts(prompt_source source) : source_(std::move(source)) {}
  void draw(std::uint64_t block, prompt_lanes& out) const override;

 private:
  prompt_source source_;
};

/// Computes errors on eight prompts: overwrites all rows of (rows, 8). Called from several threads at once. A chain has
/// a row for every k = 0 … K and writes ‖w_k − w‖².
using lane_errors = std::function<void(const prompt_lanes&, matrix& errors)>;

/// Errors of shape (rows, prompts), row-major.
struct error_table {
  int rows = 0;
  int prompts = 0;
  std::vector<double> values;
  std::span<double> row(int i);
};

/// One of zeros; at least one row and one prompt.
error_table blank_errors(int rows, int prompts);

/// Errors of chains, and how close their steps come to pseudo-Newton steps.
struct chain_evaluation {
  error_table errors;  ///< ‖ŵ_k − w‖² in row k = 0 … steps
  /// Regression through the origin, over all coordinates of all prompts, of ŵ_{k+1} − ŵ_k on Γ⁻¹(Xy/m − Ŝŵ_k), for
  /// every k; NaN for k = steps.
  std::vector<double> newton_slope, newton_r2;
};

/// Prompts 0 … prompts − 1 of the source, in shards over this rank's threads. Throws stopped when asked to stop.
error_table evaluate(const lane_errors& errors, int rows, const lane_source& source, int prompts,
                     const std::stop_token& stop);

/// `chain` writes `rows` rows; the rows below them get the errors of `exact` (d, d), which is kept by reference.
lane_errors beside_exact(lane_errors chain, int rows, const matrix& exact);

}  // namespace cotscale
