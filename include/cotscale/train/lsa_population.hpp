// Training of linear self-attention on its population loss (arXiv 2510.03605, Theorem 3.1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "cotscale/model/lsa.hpp"
#include "cotscale/task/moments.hpp"

namespace cotscale {

struct descent_options {
  double c = 1;              ///< W₁₃ = c·I, W₂₄ = −c, held; not zero
  double tolerance = 1e-10;  ///< stop when the weakest direction is this near its optimum, relative to it
  std::int64_t max_steps = 1'000'000;
  std::optional<double> step_size;  ///< η; by default 1/(c² ‖E[Ŝ²]‖), the largest for which convergence is monotone
};

/// What happened during training.
struct training_record {
  bool converged = false;
  bool diverged = false;  ///< the step is so large that a direction's error grows with every step
  std::int64_t steps = 0;
  double step_size = 0;
  double direction_error = 0;  ///< relative error of the weakest direction at the end (train/descent_path.hpp)
  double gradient_norm = 0;    ///< Frobenius norm of the last gradient, relative to the first
  double final_loss = 0;       ///< population loss after the last step
  std::vector<double> loss;    ///< at the requested steps; NaN beyond the last step taken
};

struct trained_slice {
  lsa_slice model;
  training_record record;
};

/// L(V₃₁) = ½ E‖I + c V₃₁ Ŝ‖_F² = ½ (d + 2c ⟨V₃₁, E[Ŝ]⟩ + c² tr(V₃₁ E[Ŝ²] V₃₁ᵀ)).
double population_loss(const lsa_slice& model, const prompt_moments& moments);

/// c (c V₃₁ E[Ŝ²] + E[Ŝ]), (d, d). On this slice the gradient of every other free block is zero (Theorem 3.1).
matrix population_gradient(const lsa_slice& model, const prompt_moments& moments);

/// Gradient descent with a constant step from V₃₁ = 0, until the weakest direction has converged. `loss_steps`,
/// ascending, says after which steps the loss is recorded. Steps that lie between are skipped: the map of a step is
/// linear and its powers are known (train/descent_path.hpp). With a step that is too large it diverges, and ends before
/// its numbers pass 1e300. Throws stopped when asked to stop.
trained_slice descend(const prompt_moments& moments, const descent_options& options,
                      std::span<const std::int64_t> loss_steps, const std::stop_token& stop);

/// The relative error up to which the closed form counts as converged.
inline constexpr double closed_form_tolerance = 1e-8;

/// The minimiser that descent converges to, V₃₁ = −A*/c for A* = optimal_preconditioner() of the same tasks and n, with
/// the record of a training that took no steps. Converged, unless the moments of several tasks are so ill-conditioned
/// that rounding has spoilt their inverse.
trained_slice closed_form(const prompt_moments& moments, const matrix& optimum, double c,
                          std::span<const std::int64_t> loss_steps);

}  // namespace cotscale
