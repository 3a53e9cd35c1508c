// What every command refuses of a valid specification, before it does anything.
#pragma once

#include "cotscale/experiment/grid.hpp"

namespace cotscale {

/// The axes of a specification. Throws specification_error where its matrices alone need more memory than this host
/// has, for covariances that are not valid, and for numbers that are out of range.
coordinates require_grid(const specification& spec);

/// Throws specification_error where a cell needs more memory than this host has on so many threads, and where the
/// weights that a model begins with are not all there. Reads the files of these weights. Warns of mixtures that leave a
/// direction of the target untouched.
void require_runnable(const specification& spec, const coordinates& grid, int threads);

/// What `cotscale select` refuses: all of this if the specification is a whole sweep, else what its candidates need.
void require_selection_possible(const specification& spec, int threads);

}  // namespace cotscale
