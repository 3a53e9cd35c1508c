#include "cotscale/nn/linear.hpp"

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/products.hpp"

namespace cotscale::nn {
namespace {

transpose other(transpose op) { return op == transpose::yes ? transpose::no : transpose::yes; }

// sum += Σ_r rows_r; four at a time, so that the sum is loaded and stored seldom.
template<class T>
void add_rows(input<T> rows, T* __restrict sum) {
  int r = 0;
  for (; r + 4 <= rows.rows; r += 4) {
    const T *a = rows.row(r), *b = rows.row(r + 1), *c = rows.row(r + 2), *d = rows.row(r + 3);
    for (int j = 0; j < rows.columns; ++j) sum[j] += (a[j] + b[j]) + (c[j] + d[j]);
  }
  for (; r < rows.rows; ++r) {
    const T* row = rows.row(r);
    for (int j = 0; j < rows.columns; ++j) sum[j] += row[j];
  }
}

// y = (bias, or residual + bias) + x·op(w)
template<class T>
void add_to_beginning(input<T> x, input<T> w, transpose op, const beginning<T>& begin, view<T> y) {
  const shaped_product<T> product(shape_of<T>(x, transpose::no, w, op, y, true));
  product(x.data, w.data, y.data, begin);
}

}  // namespace

template<class T>
void linear(input<T> x, input<T> w, transpose op, input_vector<T> bias, view<T> y) {
  add_to_beginning<T>(x, w, op, {.bias = bias}, y);
}

template<class T>
void linear_residual(input<T> x, input<T> w, input_vector<T> bias, input<T> residual, view<T> y) {
  expects(residual.rows == y.rows && residual.columns == y.columns, "linear_residual: residual ({}, {}), y ({}, {})",
          residual.rows, residual.columns, y.rows, y.columns);
  add_to_beginning<T>(x, w, transpose::no, {.bias = bias, .residual = residual.data, .stride = residual.stride}, y);
}

template<class T>
void linear_backward_input(input<T> dy, input<T> w, transpose op, std::type_identity_t<T> beta, view<T> dx) {
  multiply(T{1}, dy, transpose::no, w, other(op), beta, dx);
}

template<class T>
void linear_backward_weights(input<T> x, input<T> dy, transpose op, view<T> dw, T* dbias) {
  // y = x·w: dw += xᵀ·dy; y = x·wᵀ: dw += dyᵀ·x
  if (op == transpose::no) {
    multiply(T{1}, x, transpose::yes, dy, transpose::no, T{1}, dw);
  } else {
    multiply(T{1}, dy, transpose::yes, x, transpose::no, T{1}, dw);
  }
  add_rows<T>(dy, dbias);
}

#define COTSCALE_INSTANTIATE(T)                                                             \
  template void linear<T>(input<T>, input<T>, transpose, input_vector<T>, view<T>);         \
  template void linear_residual<T>(input<T>, input<T>, input_vector<T>, input<T>, view<T>); \
  template void linear_backward_input<T>(input<T>, input<T>, transpose, T, view<T>);        \
  template void linear_backward_weights<T>(input<T>, input<T>, transpose, view<T>, T*);
COTSCALE_INSTANTIATE(float)
COTSCALE_INSTANTIATE(double)
#undef COTSCALE_INSTANTIATE

}  // namespace cotscale::nn
