// What one cell computes: training, roll-outs on the test prompts of every m, and theory and baselines beside them.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "cotscale/experiment/grid.hpp"
#include "cotscale/theory/prediction.hpp"

namespace cotscale {

/// Threads that BLAS gets: all of this rank's when d is at least 512, where one matrix fills the machine and last bits
/// may depend on their number; else one.
int threads_of_blas(const specification& spec);

/// Targets and mixtures are computed with in units of their own, powers of four in which their largest eigenvalue is in
/// [1, 4), so that nothing but ratios can over- or underflow. Where the results have units, they are those of the
/// specification.
struct cell_units {
  int target = 0;   ///< Σ = 2^target · the Σ that is computed with
  int mixture = 0;  ///< likewise of the training covariances
};

/// What is known of a mixture and a target before anything is trained or drawn. Matrices are (1, 1) where covariances
/// are held as scalars (is_scalar).
struct mixture_theory {
  cell_units units;
  matrix preconditioner;             ///< Γ_π⁻¹, (d, d), in the target's units (cell_units)
  matrix optimum;                    ///< the same in the mixture's own units: never beyond a double's range
  matrix directions;                 ///< its eigenvectors or right singular vectors, in the columns, (d, d)
  std::vector<double> limit, bound;  ///< over k; limit_errors and matched_bounds, NaN if not matched
  double spectral_radius = 0;        ///< of I − Γ_π⁻¹Σ
};

/// The same, with what Wishart draws say.
struct cell_theory : mixture_theory {
  std::vector<chain_prediction> predictions;  ///< over m; empty: none are made
};

/// Computes the cells of one specification, and keeps what cells share: targets, mixtures, trainings of cells that
/// differ in their test prompts only, baselines of cells that differ in their training only. What it computes for a
/// cell depends on the specification and the cell only. One cell at a time.
class cell_computer {
 public:
  /// Both are kept by reference.
  cell_computer(const specification& spec, const coordinates& grid);
  /// Likewise, for results of a shape that the caller has made of the grid.
  cell_computer(const specification& spec, const coordinates& grid, std::shared_ptr<const results_schema> schema);
  ~cell_computer();
  cell_computer(const cell_computer&) = delete;
  cell_computer& operator=(const cell_computer&) = delete;
  cell_computer(cell_computer&&) = delete;
  cell_computer& operator=(cell_computer&&) = delete;

  /// Throws stopped when asked to stop, numerical_error if there is no answer.
  cell_values compute(const cell& c, const std::stop_token& stop);

  /// Only what does not need training. The model does not matter.
  std::shared_ptr<const cell_theory> theory(const cell& c, const std::stop_token& stop);

  /// Of that, what needs no draws.
  std::shared_ptr<const mixture_theory> optimum(const cell& c, const std::stop_token& stop);

  /// Without this call predictions take no more draws than there are test prompts (or theory.draws), which is as sure
  /// as the measurement beside them can be; after it they go on to theory.most_draws, and end when `out_of_time` (may
  /// be empty) says so, so that they depend on the moment.
  void predict_alone(std::function<bool()> out_of_time);

 private:
  struct implementation;
  struct variants;
  std::unique_ptr<variants> self_;
};

/// A single cell, nothing shared.
cell_values compute_cell(const specification& spec, const coordinates& grid, const cell& c,
                         const std::stop_token& stop);

}  // namespace cotscale
