// Matrix algebra by its definition, loop by loop: slow, and plain enough to check by eye.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "cotscale/linalg/matrix.hpp"

namespace cotscale::reference {

/// a·b.
inline matrix product(const matrix& a, const matrix& b) {
  matrix c(a.rows(), b.columns());
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < b.columns(); ++j) {
      for (int k = 0; k < a.columns(); ++k) c(i, j) += a(i, k) * b(k, j);
    }
  }
  return c;
}

inline matrix transposed(const matrix& a) {
  matrix out(a.columns(), a.rows());
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < a.columns(); ++j) out(j, i) = a(i, j);
  }
  return out;
}

/// The entries, row by row, one below the other.
inline matrix as_column(const matrix& a) {
  matrix out(a.rows() * a.columns(), 1);
  std::copy(a.values().begin(), a.values().end(), out.data());
  return out;
}

/// alpha·a + beta·b.
inline matrix combination(double alpha, const matrix& a, double beta, const matrix& b) {
  matrix out(a.rows(), a.columns());
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < a.columns(); ++j) out(i, j) = alpha * a(i, j) + beta * b(i, j);
  }
  return out;
}

/// Of x (d, m) with one example a column: scale · Σ_i x_i x_iᵀ, shape (d, d).
inline matrix gram(double scale, const matrix& x) {
  matrix s(x.rows(), x.rows());
  for (int i = 0; i < x.columns(); ++i) {
    for (int a = 0; a < x.rows(); ++a) {
      for (int b = 0; b < x.rows(); ++b) s(a, b) += scale * x(a, i) * x(b, i);
    }
  }
  return s;
}

/// aᵏ.
inline matrix power(const matrix& a, int k) {
  matrix out = matrix::identity(a.rows());
  for (int i = 0; i < k; ++i) out = reference::product(out, a);
  return out;
}

/// ‖a‖_F².
inline double squared_norm(const matrix& a) {
  double sum = 0;
  for (const double value : a.values()) sum += value * value;
  return sum;
}

inline double frobenius_norm(const matrix& a) { return std::sqrt(reference::squared_norm(a)); }

/// ⟨a, b⟩ = Σ a_ij b_ij.
inline double inner(const matrix& a, const matrix& b) {
  double sum = 0;
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < a.columns(); ++j) sum += a(i, j) * b(i, j);
  }
  return sum;
}

/// |a_ij| in every place.
inline matrix absolute(matrix a) {
  for (double& value : a.values()) value = std::abs(value);
  return a;
}

/// Largest |a_ij|; 0 without elements.
inline double largest(const matrix& a) {
  double most = 0;
  for (const double value : a.values()) most = std::max(most, std::abs(value));
  return most;
}

/// a⁻¹ by Gauss-Jordan elimination with row pivoting.
inline matrix inverse(matrix a) {
  const int d = a.rows();
  matrix out = matrix::identity(d);
  for (int column = 0; column < d; ++column) {
    int pivot = column;
    for (int i = column + 1; i < d; ++i) {
      if (std::abs(a(i, column)) > std::abs(a(pivot, column))) pivot = i;
    }
    const double scale = 1 / a(pivot, column);
    for (int j = 0; j < d; ++j) {
      std::swap(a(pivot, j), a(column, j));
      std::swap(out(pivot, j), out(column, j));
      a(column, j) *= scale;
      out(column, j) *= scale;
    }
    for (int i = 0; i < d; ++i) {
      const double factor = a(i, column);
      if (i == column) continue;
      for (int j = 0; j < d; ++j) {
        a(i, j) -= factor * a(column, j);
        out(i, j) -= factor * out(column, j);
      }
    }
  }
  return out;
}

}  // namespace cotscale::reference
