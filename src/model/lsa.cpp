#include "cotscale/model/lsa.hpp"

#include <algorithm>
#include <cmath>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {
namespace {

// First row of each block of the embedding.
constexpr int feature_row = 0;
int label_row(int d) { return d; }
int weight_row(int d) { return d + 1; }
int flag_row(int d) { return 2 * d + 1; }

}  // namespace

lsa_parameters full_parameters(const lsa_slice& slice) {
  const int d = slice.v31.rows();
  expects(slice.c != 0 && slice.v31.columns() == d, "full_parameters: c = {}, V31 ({}, {})", slice.c, d,
          slice.v31.columns());
  lsa_parameters out{.v = matrix(2 * d + 2, 2 * d + 2), .w = matrix(2 * d + 2, 2 * d + 2)};
  out.v.set_block(weight_row(d), feature_row, slice.v31);
  for (int i = 0; i < d; ++i) out.w(feature_row + i, weight_row(d) + i) = slice.c;
  out.w(label_row(d), flag_row(d)) = -slice.c;
  return out;
}

lsa_parameters in_units(const lsa_parameters& parameters, int exponent) {
  expects(exponent % 2 == 0, "in_units: the exponent {} is odd", exponent);
  if (exponent == 0) return parameters;
  lsa_parameters out = parameters;
  const int seen = weight_row(parameters.dimension());  // rows of features and labels come first
  const auto unit = [&](int row) { return row < seen ? exponent / 2 : 0; };
  for (int i = 0; i < out.v.rows(); ++i) {
    for (int j = 0; j < out.v.columns(); ++j) {
      out.v(i, j) = std::ldexp(out.v(i, j), unit(j) - unit(i));
      out.w(i, j) = std::ldexp(out.w(i, j), unit(i) + unit(j));
    }
  }
  return out;
}

matrix preconditioner(const lsa_slice& slice) { return combination(-slice.c, slice.v31, 0, slice.v31); }

matrix embedding(const matrix& x, std::span<const double> y) {
  const int d = x.rows();
  const int m = x.columns();
  expects(y.size() == static_cast<std::size_t>(m), "embedding: x ({}, {}), y ({})", d, m, y.size());
  matrix e(2 * d + 2, m + 1);
  e.set_block(feature_row, 0, x);
  for (int i = 0; i < m; ++i) e(label_row(d), i) = y[static_cast<std::size_t>(i)];
  e(flag_row(d), m) = 1;
  return e;
}

matrix attend(const lsa_parameters& parameters, const matrix& e, double rho) {
  // f(E) = E + V E (Eᵀ (W E))/ρ
  matrix scores(e.columns(), e.columns());
  multiply(1, e, transpose::yes, product(parameters.w, e), transpose::no, 0, scores);
  matrix out = e;
  multiply(1 / rho, product(parameters.v, e), transpose::no, scores, transpose::no, 1, out);
  return out;
}

matrix roll_out_definition(const lsa_parameters& parameters, const matrix& x, std::span<const double> y, int steps) {
  const int d = parameters.dimension();
  const int m = x.columns();
  matrix e = embedding(x, y);
  matrix estimates(steps + 1, d);
  for (int k = 1; k <= steps; ++k) {
    const matrix next = attend(parameters, e, m).block(0, e.columns() - 1, e.rows(), 1);
    estimates.set_block(k, 0, transposed(next.block(weight_row(d), 0, d, 1)));
    matrix longer(e.rows(), e.columns() + 1);
    longer.set_block(0, 0, e);
    longer.set_block(0, e.columns(), next);
    e = std::move(longer);
  }
  return estimates;
}

}  // namespace cotscale
