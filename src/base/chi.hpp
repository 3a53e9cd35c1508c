// Chi-distributed candidates.
#pragma once

#include <cstdint>
#include <span>

namespace cotscale::detail {

inline constexpr int chi_block = 64;

/// Marsaglia and Tsang (ACM Trans. Math. Softw. 26, 2000): candidates for the root of a Gamma(ν/2)·2 number, ν ≥ 2,
/// from a normal and a uniform number each, and whether they are accepted; NaN may be a candidate that is not. All
/// arrays have a fixed length, so that no element's bits depend on a loop's remainder.
void chi_candidates(std::span<const double, chi_block> degrees, std::span<const double, chi_block> normals,
                    std::span<const double, chi_block> uniforms, std::span<double, chi_block> chi,
                    std::span<std::int64_t, chi_block> accepted);

}  // namespace cotscale::detail
