#include "cotscale/linalg/matrix.hpp"

#include <algorithm>
#include <cmath>

#include "cotscale/base/error.hpp"

namespace cotscale {

matrix::matrix(int rows, int columns, double value) : rows_(rows), columns_(columns) {
  expects(rows >= 0 && columns >= 0, "matrix: a shape cannot be negative, got ({}, {})", rows, columns);
  data_.assign(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns), value);
}

matrix matrix::identity(int d) {
  matrix a(d, d);
  for (int i = 0; i < d; ++i) a(i, i) = 1;
  return a;
}

matrix matrix::diagonal(std::span<const double> values) {
  const int d = static_cast<int>(values.size());
  matrix a(d, d);
  for (int i = 0; i < d; ++i) a(i, i) = values[static_cast<std::size_t>(i)];
  return a;
}

void matrix::reshape(int rows, int columns) {
  rows_ = rows;
  columns_ = columns;
  data_.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
}

matrix matrix::block(int i, int j, int rows, int columns) const {
  expects(i >= 0 && j >= 0 && i + rows <= rows_ && j + columns <= columns_,
          "matrix::block: ({}, {}) + ({}, {}) is outside of ({}, {})", i, j, rows, columns, rows_, columns_);
  matrix out(rows, columns);
  for (int r = 0; r < rows; ++r) std::copy_n(data() + offset(i + r, j), columns, out.data() + out.offset(r, 0));
  return out;
}

void matrix::set_block(int i, int j, const matrix& values) {
  expects(i >= 0 && j >= 0 && i + values.rows() <= rows_ && j + values.columns() <= columns_,
          "matrix::set_block: ({}, {}) + ({}, {}) is outside of ({}, {})", i, j, values.rows(), values.columns(), rows_,
          columns_);
  for (int r = 0; r < values.rows(); ++r) {
    for (int c = 0; c < values.columns(); ++c) (*this)(i + r, j + c) = values(r, c);
  }
}

double trace(const matrix& a) {
  expects(a.rows() == a.columns(), "trace: the matrix is ({}, {}), not square", a.rows(), a.columns());
  double sum = 0;
  for (int i = 0; i < a.rows(); ++i) sum += a(i, i);
  return sum;
}

matrix transposed(const matrix& a) {
  matrix out(a.columns(), a.rows());
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < a.columns(); ++j) out(j, i) = a(i, j);
  }
  return out;
}

matrix combination(double alpha, const matrix& a, double beta, const matrix& b) {
  expects(a.rows() == b.rows() && a.columns() == b.columns(), "combination: shapes ({}, {}) and ({}, {}) differ",
          a.rows(), a.columns(), b.rows(), b.columns());
  matrix out(a.rows(), a.columns());
  for (std::size_t i = 0; i < a.size(); ++i) out.data()[i] = alpha * a.data()[i] + beta * b.data()[i];
  return out;
}

matrix times_power_of_two(matrix a, int exponent) {
  if (exponent == 0) return a;
  for (double& value : a.values()) value = std::ldexp(value, exponent);
  return a;
}

double asymmetry(const matrix& a) {
  expects(a.rows() == a.columns(), "asymmetry: the matrix is ({}, {}), not square", a.rows(), a.columns());
  double largest = 0;
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < i; ++j) largest = std::max(largest, std::abs(a(i, j) - a(j, i)));
  }
  return largest;
}

}  // namespace cotscale
