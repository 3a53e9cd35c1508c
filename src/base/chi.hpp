// Chi-distributed candidates.
#pragma once

#include <cstdint>

#include "cotscale/base/random.hpp"

namespace cotscale::detail {

inline constexpr int chi_lanes = 16;
inline constexpr int chi_block = 4 * random_block;

/// Marsaglia and Tsang (ACM Trans. Math. Softw. 26, 2000): candidates for the root of a Gamma(ν/2)·2 number, ν ≥ 2,
/// from a normal and a uniform number each, and whether they are accepted (1 or 0); NaN may be a candidate that is not.
/// `count` is a whole number of sixteens, so that no element's bits depend on a loop's remainder.
void chi_candidates(int count, const double* degrees, const double* normals, const double* uniforms, double* chi,
                    std::int64_t* accepted);

}  // namespace cotscale::detail
