#include "cotscale/model/pseudo_newton.hpp"

#include <algorithm>

#include "cotscale/base/error.hpp"
#include "cotscale/model/bidiagonal_chain.hpp"

namespace cotscale {

void pseudo_newton(const matrix& preconditioner, const prompt_lanes& prompts, matrix& errors) {
  const int d = preconditioner.rows();
  if (prompts.is_bidiagonal()) {
    expects(d == 1, "pseudo_newton: A ({}, {}) on prompts in bidiagonal form", d, d);
    bidiagonal_chain(preconditioner(0, 0), prompts.bidiagonal, errors);
    return;
  }
  expects(prompts.w.rows() == d, "pseudo_newton: A ({}, {}), w ({}, {})", d, preconditioner.columns(), prompts.w.rows(),
          prompts.w.columns());
  thread_local matrix u, gram_u, scratch;
  u = prompts.w;  // the sign of u does not show in the errors
  for (int k = 0; k < errors.rows(); ++k) {
    double square[lane_count] = {};
    for (int j = 0; j < d; ++j) {
      for (int lane = 0; lane < lane_count; ++lane) square[lane] += u(j, lane) * u(j, lane);
    }
    std::copy_n(square, lane_count, &errors(k, 0));
    if (k + 1 == errors.rows()) break;
    // u ← u − A (Ŝ u + Xε/m), of u = w − w_k
    multiply_covariance(prompts, u, scratch, gram_u);
    if (prompts.has_noise()) {
      for (std::size_t i = 0; i < gram_u.size(); ++i) gram_u.data()[i] += prompts.noise.data()[i];
    }
    multiply_add_lanes(-1, preconditioner, gram_u, u);
  }
}

}  // namespace cotscale
