// Training of linear self-attention from sampled prompts: all of V and W, or the slice of Theorem 3.1 only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/model/lsa.hpp"
#include "cotscale/task/mixture.hpp"
#include "cotscale/train/learning.hpp"

namespace cotscale {

enum class parameter_set {
  full,   ///< every entry of V and W but W₂₄
  slice,  ///< V₃₁ only
};

/// The defaults come within 2 % of the population optimum at d = 5, n = 20.
struct lsa_options : learning_options {
  double c = 1;  ///< not zero
  parameter_set parameters = parameter_set::full;
  bool free_w13 = false;                               ///< on the slice, W₁₃ moves too: all of its entries
  bool free_w24 = false;                               ///< W₂₄ moves too
  initial_weights initial = initial_weights::theorem;  ///< W₁₃ = c·I, W₂₄ = −c, all else 0
  double initial_scale = 0.02;                         ///< of random entries that move; the others are the theorem's
  lsa_parameters given;                                ///< V and W (2d+2, 2d+2); what does not move stays as it is here
};

/// `preconditioner_distance` and `off_slice` are those after the requested steps, NaN beyond the last step taken.
struct lsa_record : learning_record {
  std::vector<double> preconditioner_distance;
  std::vector<double> off_slice;
  double final_preconditioner_distance = 0;
  double final_off_slice = 0;
  double w24 = 0;                 ///< at the end
  matrix initial_preconditioner;  ///< effective_preconditioner of the initial weights, (d, d)
};

struct lsa_training {
  lsa_parameters model;
  lsa_record record;
};

/// A = W₂₄ V₃₁, (d, d): the first step of a chain is ŵ_1 = A Ŝ w, and on the slice, where W₂₄ = −c, this is
/// preconditioner().
matrix effective_preconditioner(const lsa_parameters& parameters);

/// Frobenius norm of everything in V and W but the blocks V₃₁, W₁₃ and W₂₄, relative to ‖V₃₁‖_F; 0 if V₃₁ = 0.
double off_slice_norm(const lsa_parameters& parameters);

/// Trains on prompts of n examples, one task of the mixture a prompt. Batch t is a function of (key, t) alone, and the
/// result one of the arguments alone, bit by bit, whatever the number of threads. `exact_preconditioner` A* (d, d) is
/// what preconditioner_distance = ‖W₂₄V₃₁ − A*‖_F/‖A*‖_F is measured from. `record_steps`, ascending, ≤ options.steps.
/// When a loss is no longer finite it ends. It has diverged then, and also if, on prompts of the batches after the
/// last, its loss exceeds that of the estimate 0 and that of the initial weights, each by more than 4 standard errors,
/// in the mean or in the mean of logarithms. Throws stopped when asked to stop, and specification_error for an
/// optimiser that cannot work.
lsa_training train_lsa(const task_mixture& tasks, int n, const lsa_options& options, stream_key key,
                       const matrix& exact_preconditioner, std::span<const std::int64_t> record_steps,
                       const std::stop_token& stop);

}  // namespace cotscale
