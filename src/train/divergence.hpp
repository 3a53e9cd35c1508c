// When training from samples has diverged, as far as losses tell.
#pragma once

#include <cstdint>
#include <vector>

#include "cotscale/train/objective.hpp"

namespace cotscale::detail {

/// Batches that the verdict looks at, of `batch` prompts each: some hundreds of prompts, if they are drawn anew.
std::int64_t verdict_batches(std::int64_t batch, bool fresh_prompts);

/// Whether losses are larger than others by more than 4 standard errors of the difference of their means (each sample's
/// own, so that chance that both share does not count), or of the means of their logarithms: where a few prompts rule a
/// mean its standard error is as large as itself, and the logarithm still tells.
bool exceeds(const std::vector<double>& losses, const std::vector<double>& others);

/// Every loss of the model is finite; the losses of the model, of the estimate 0.
bool all_finite(const std::vector<prompt_loss>& losses);
std::vector<double> of_model(const std::vector<prompt_loss>& losses);
std::vector<double> of_zero(const std::vector<prompt_loss>& losses);

/// Whether training has diverged: a loss of the trained weights is not finite, or they exceed those of the estimate 0
/// and those of the initial weights on the same prompts, which `initial()` yields if it comes to them.
template<class Initial>
bool has_diverged(const std::vector<prompt_loss>& trained, const Initial& initial) {
  if (!all_finite(trained)) return true;
  if (!exceeds(of_model(trained), of_zero(trained))) return false;
  return exceeds(of_model(trained), of_model(initial()));
}

}  // namespace cotscale::detail
