// Linear self-attention by its definition, f(E) = E + V E (Eᵀ W E)/ρ, one scalar at a time (arXiv 2510.03605, section
// 2).
#pragma once

#include <cstddef>
#include <span>

#include "cotscale/linalg/matrix.hpp"

namespace cotscale::reference {

/// E (2d+2, m+1) of x (d, m) and y (m): [X 0; yᵀ 0; 0 0; 0 1].
inline matrix embedding(const matrix& x, std::span<const double> y) {
  const int d = x.rows();
  const int m = x.columns();
  matrix e(2 * d + 2, m + 1);
  for (int i = 0; i < m; ++i) {
    for (int a = 0; a < d; ++a) e(a, i) = x(a, i);
    e(d, i) = y[static_cast<std::size_t>(i)];
  }
  e(2 * d + 1, m) = 1;
  return e;
}

/// f(E): token t asks, token s answers with V e_s, weighted by the score e_sᵀ W e_t / ρ.
inline matrix attend(const matrix& v, const matrix& w, const matrix& e, double rho) {
  matrix out = e;
  for (int t = 0; t < e.columns(); ++t) {
    for (int s = 0; s < e.columns(); ++s) {
      double score = 0;
      for (int i = 0; i < e.rows(); ++i) {
        for (int j = 0; j < e.rows(); ++j) score += e(i, s) * w(i, j) * e(j, t) / rho;
      }
      for (int i = 0; i < e.rows(); ++i) {
        for (int j = 0; j < e.rows(); ++j) out(i, t) += v(i, j) * e(j, s) * score;
      }
    }
  }
  return out;
}

/// Chain of thought with ρ = m: the last column of f(E) is appended to E. Estimates w_0 … w_steps, (steps+1, d).
inline matrix roll_out(const matrix& v, const matrix& w, const matrix& x, std::span<const double> y, int steps) {
  const int d = x.rows();
  matrix e = reference::embedding(x, y);
  matrix estimates(steps + 1, d);
  for (int k = 1; k <= steps; ++k) {
    const int last = e.columns() - 1;
    const matrix f = reference::attend(v, w, e, x.columns());
    matrix longer(e.rows(), e.columns() + 1);
    for (int i = 0; i < e.rows(); ++i) {
      for (int t = 0; t <= last; ++t) longer(i, t) = e(i, t);
      longer(i, last + 1) = f(i, last);
    }
    e = longer;
    for (int a = 0; a < d; ++a) estimates(k, a) = f(d + 1 + a, last);
  }
  return estimates;
}

/// f(E)[:, −1] − (0_d, 0, w, 1), (2d+2, 1): the direct objective is half its squared norm.
inline matrix direct_residual(const matrix& f, std::span<const double> w) {
  const int d = static_cast<int>(w.size());
  matrix out(f.rows(), 1);
  for (int i = 0; i < f.rows(); ++i) out(i, 0) = f(i, f.columns() - 1);
  for (int a = 0; a < d; ++a) out(d + 1 + a, 0) -= w[static_cast<std::size_t>(a)];
  out(2 * d + 1, 0) -= 1;
  return out;
}

}  // namespace cotscale::reference
