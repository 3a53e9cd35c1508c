// How far a trained map is from the optimum, direction by direction: the weakest is seen as well as the strongest.
#pragma once

#include "cotscale/linalg/matrix.hpp"

namespace cotscale {

struct direction_error {
  double largest = 0;   ///< relative error of the weakest direction; +inf if the map is not finite
  double rounding = 0;  ///< what rounding alone can make of it: 8 d ε times the ratio of the largest to the least gain
};

/// max over i of ‖(A − A*) q_i‖ / ‖A* q_i‖ for a trained map A, its optimum A*, and the orthonormal columns q_i of
/// `directions`, all (d, d): eigenvectors of A* where it is symmetric, else its right singular vectors. Directions with
/// A* q_i = 0 (to 4 d ε of the largest gain) are those that training never touches: ‖(A − A_0) q_i‖ with A_0 the map
/// that training began with, relative to the largest ‖A* q_j‖.
direction_error weakest_direction(const matrix& trained, const matrix& optimum, const matrix& initial,
                                  const matrix& directions);

}  // namespace cotscale
