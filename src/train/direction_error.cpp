#include "cotscale/train/direction_error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<double> column_norms(const matrix& a) {
  std::vector<double> norms;
  for (int j = 0; j < a.columns(); ++j) norms.push_back(frobenius_norm(a.block(0, j, a.rows(), 1)));
  return norms;
}

}  // namespace

direction_error weakest_direction(const matrix& trained, const matrix& optimum, const matrix& initial,
                                  const matrix& directions) {
  const int d = optimum.rows();
  for (const matrix* a : {&trained, &optimum, &initial, &directions}) {
    expects(a->rows() == d && a->columns() == d, "weakest_direction: d = {}, a matrix is ({}, {})", d, a->rows(),
            a->columns());
  }
  const std::vector<double> gains = column_norms(product(optimum, directions));
  const std::vector<double> gaps = column_norms(product(combination(1, trained, -1, optimum), directions));
  const std::vector<double> moved = column_norms(product(combination(1, trained, -1, initial), directions));
  const double rounding = d * std::numeric_limits<double>::epsilon();
  const double most = *std::max_element(gains.begin(), gains.end());
  direction_error out;
  for (std::size_t i = 0; i < gains.size(); ++i) {
    const bool touched = gains[i] > 4 * rounding * most;
    const double error = touched ? gaps[i] / gains[i] : moved[i] / most;
    out.largest = std::isfinite(error) ? std::max(out.largest, error) : infinity;
    if (touched) out.rounding = std::max(out.rounding, 8 * rounding * most / gains[i]);
  }
  return out;
}

}  // namespace cotscale
