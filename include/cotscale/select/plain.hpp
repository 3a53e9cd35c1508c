// Plain mixtures of candidate tasks, which selected ones are compared with.
#pragma once

#include <span>
#include <vector>

#include "cotscale/task/covariance.hpp"

namespace cotscale {

/// Throws specification_error, naming what is wrong, unless there is a candidate and all are of the target's dimension.
void require_candidates(std::span<const covariance> candidates, int dimension);

/// Throws specification_error if an eigenvalue of a candidate and one of the target, the largest of each, are so many
/// powers of ten apart (144) that squares of one in units of the other leave a double's range.
void require_comparable(std::span<const covariance> candidates, const covariance& target);

/// Probabilities (T) of the T candidates. "A quarter" is ⌈T/4⌉ of them, in equal parts; ties go to the lower index.
std::vector<double> uniform_mixture(std::span<const covariance> candidates);

/// The quarter with the lowest support hardness.
std::vector<double> easy_mixture(std::span<const covariance> candidates);

/// The quarter with the highest support hardness.
std::vector<double> hard_mixture(std::span<const covariance> candidates);

/// The quarter with the largest ⟨Λ, Σ⟩_F/(‖Λ‖_F ‖Σ‖_F).
std::vector<double> relevant_mixture(std::span<const covariance> candidates, const covariance& target);

}  // namespace cotscale
