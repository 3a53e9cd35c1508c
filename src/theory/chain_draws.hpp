// Draws of Ŝ, and what the chain makes of each: errors, growth and divergence.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/linalg/lane_matrices.hpp"
#include "cotscale/task/lane_sampler.hpp"

namespace cotscale::detail {

class chain_draws {
 public:
  /// As predict_chain; the matrix is kept by reference.
  chain_draws(const matrix& preconditioner, const prompt_distribution& test, int m, int steps, stream_key key);

  /// Draws until there are `count`. False, and as many as before, if `out_of_time` (may be empty) said so. Throws
  /// stopped when asked to stop.
  bool extend(int count, const std::function<bool()>& out_of_time, const std::stop_token& stop);

  int count() const { return count_; }
  /// Of every draw, over k, the mean of ‖w_k − w‖² over w and over the noise of labels (predict_chain); +inf where it
  /// is beyond what doubles hold.
  const std::vector<std::vector<double>>& errors() const { return errors_; }
  /// Largest |eigenvalue| of AŜ of every draw, from below, to some per cent. NaN or +inf where AŜ is not finite.
  const std::vector<double>& largest() const { return largest_; }
  /// Whether I − AŜ has an |eigenvalue| above 1.
  const std::vector<char>& diverges() const { return diverges_; }

 private:
  void resize(int count);
  void fill(int block, int end);
  void fill_lanes(const prompt_lanes& p, int first, int lanes);
  void fill_dense(const prompt_lanes& p, int draw, int lane);
  void fill_isotropic(int block, int first, int lanes);

  const matrix& preconditioner_;
  int m_;
  double noise_;  // σ²
  std::optional<lane_sampler> source_;
  std::optional<bidiagonal_source> isotropic_;  // instead, where the covariance is held as a scalar
  int columns_ = 0;
  bool side_by_side_;  // eight draws at once
  int count_ = 0;
  std::vector<std::vector<double>> errors_;
  std::vector<double> largest_;
  std::vector<char> diverges_;
};

}  // namespace cotscale::detail
