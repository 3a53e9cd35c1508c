// What a reader needs without the program: the covariances of a sweep, as they are used, in the group `matrices` of its
// file (docs/results-layout.md).
#pragma once

#include "cotscale/experiment/grid.hpp"

namespace cotscale::detail {

/// Dimensions of the matrices that there is room for: `feature` and `other_feature`, `direction`, and `output` and
/// `input` of maps.
void add_matrix_dimensions(const specification& spec, coordinates& grid);

/// Covariances of targets, of mixtures of one task and of candidates, in the specification's units, with their
/// eigenvalues, and what is left out since it would be too large.
void add_covariances(const specification& spec, const coordinates& grid, results_content& content);

}  // namespace cotscale::detail
