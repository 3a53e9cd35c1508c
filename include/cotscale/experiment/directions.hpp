// Directions that targets and mixtures have, or lack: what of that is known before a run.
#pragma once

#include <string>
#include <vector>

#include "cotscale/experiment/coordinates.hpp"
#include "cotscale/experiment/specification.hpp"

namespace cotscale::detail {

/// Throws specification_error, naming the table, where a mixture needs the inverse of a target that is singular.
void require_inverses(const specification& spec, const coordinates& grid);
/// The same for `cotscale select`.
void require_selection_target(const specification& spec);

/// A sentence for each mixture whose prompts never have examples along some direction of the target, so that nothing
/// is learned of it: of tasks, of candidates with probabilities that are known before the run, and of all candidates
/// where they are not. Of generated candidates, those of the first repeat are looked at.
std::vector<std::string> untouched_directions(const specification& spec);

}  // namespace cotscale::detail
