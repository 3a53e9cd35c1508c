// What of a specification is beyond the range of the numbers that it is computed with.
#pragma once

#include "cotscale/experiment/coordinates.hpp"
#include "cotscale/experiment/specification.hpp"

namespace cotscale::detail {

/// Population training and linear self-attention's chains are computed in units of their own, at any scale. What is
/// not: throws specification_error, naming the key, where learning from samples in the specification's units is certain
/// to overflow, where the noise of labels does in units of a covariance, and where candidates and target are too far
/// apart to be compared.
void require_in_range(const specification& spec, const coordinates& grid);

}  // namespace cotscale::detail
