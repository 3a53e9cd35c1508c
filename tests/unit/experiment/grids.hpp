// Specifications of small grids in four dimensions, and which covariances commute.
#pragma once

#include <string>

#include "cotscale/experiment/grid.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {

inline specification make(const std::string& target, const std::string& hardness = "hardness = [5.0, 8.0]",
                          const std::string& mixtures = "") {
  return parse_specification(
      "[sweep]\nmodels = [\"lsa\"]\nmixtures = [\"matched\", \"skewed\", \"isotropic\"]\nn = [3, 4]\nrepeats = 2\n" +
          hardness + "\n[task]\nd = 4\n[test]\nk = 2\nm = [5, 6]\nprompts = 3\n[models.lsa]\narchitecture = \"lsa\"\n" +
          target + "\n" + mixtures,
      "test.toml", ".");
}

inline bool commute(const covariance& a, const covariance& b) {
  const matrix ab = product(a.values(), b.values());
  return frobenius_norm(combination(1, ab, -1, product(b.values(), a.values()))) < 1e-12;
}

}  // namespace cotscale
