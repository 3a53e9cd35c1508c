// Which sweeps need no more of a prompt than its bidiagonal form (task/bidiagonal.hpp).
#pragma once

#include <string>
#include <vector>

#include "cotscale/experiment/specification.hpp"

namespace cotscale::detail {

/// What of a sweep is not isotropic, Gaussian and without noise, in words that begin with its key or its model; empty
/// if nothing is: then every covariance and every trained map is a multiple of I.
std::string not_isotropic(const specification& spec);

/// Σ's eigenvalue, and a mixture's, where nothing is.
double isotropic_target(const specification& spec);
double isotropic_mixture_value(const specification& spec, const std::string& mixture);

/// Prompts of a target are the same for all combinations of varied keys: where one of them has a model or a mixture
/// that is not isotropic, none with this target draws its prompts in bidiagonal form unless it says so itself.
void agree_on_samplers(std::vector<specification>& variants);

}  // namespace cotscale::detail
