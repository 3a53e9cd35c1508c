// What a chain does to a prompt's weights whose every step is the same map (arXiv 2510.03605, Proposition 3.2):
// linear self-attention on its slice, gradient descent, Newton's method with an estimate of the covariance.
#pragma once

#include "cotscale/task/wishart.hpp"

namespace cotscale {

/// Chain of thought of a map A (d, d) on eight prompts: u_{k+1} = u_k − A (Ŝ u_k − Xε/m), u_0 =
/// −w (Proposition 3.2; with noise, since Xy/m = Ŝw + Xε/m). Writes ‖u_k‖² = ‖w_k − w‖² into row k of errors (steps +
/// 1, 8). On prompts in bidiagonal form A is a multiple of I, given as (1, 1).
void pseudo_newton(const matrix& preconditioner, const prompt_lanes& prompts, matrix& errors);

}  // namespace cotscale
