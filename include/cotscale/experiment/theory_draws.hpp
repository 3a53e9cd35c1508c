// How many Wishart draws predictions and the exact selection problem take, where the specification leaves it open.
#pragma once

#include "cotscale/experiment/specification.hpp"

namespace cotscale {

/// theory.most_draws where the specification does not say it: `draws`, doubled as often as 5·10⁹ multiplications,
/// 4·10⁶ stored errors and 102,400 draws allow; about a second at most.
int default_most_draws(int d, int steps, int draws);

/// select.max_samples likewise: sample covariances of 80 MB in all, that many in a small dimension (16,384 at most)
/// that a descent among them takes seconds; `samples` at least.
int default_max_samples(int d, int samples);

/// Draws of a prediction that stands beside a measurement, at most: as many as there are test prompts, within
/// theory.draws and theory.most_draws.
int most_draws_beside_prompts(const specification& spec);

}  // namespace cotscale
