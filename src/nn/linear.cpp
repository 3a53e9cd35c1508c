#include "cotscale/nn/linear.hpp"

#include <algorithm>

#include "cotscale/base/error.hpp"

namespace cotscale::nn {
namespace {

transpose other(transpose op) { return op == transpose::yes ? transpose::no : transpose::yes; }

}  // namespace

// With the bias in place first, the product adds to it: no pass of its own.
template<class T>
void linear(input<T> x, input<T> w, transpose op, input_vector<T> bias, view<T> y) {
  for (int r = 0; r < y.rows; ++r) std::copy_n(bias, y.columns, y.row(r));
  multiply(T{1}, x, transpose::no, w, op, T{1}, y);
}

template<class T>
void linear_residual(input<T> x, input<T> w, input_vector<T> bias, input<T> residual, view<T> y) {
  expects(residual.rows == y.rows && residual.columns == y.columns, "linear_residual: residual ({}, {}), y ({}, {})",
          residual.rows, residual.columns, y.rows, y.columns);
  for (int r = 0; r < y.rows; ++r) {
    const T* from = residual.row(r);
    T* to = y.row(r);
    for (int j = 0; j < y.columns; ++j) to[j] = from[j] + bias[j];
  }
  multiply(T{1}, x, transpose::no, w, transpose::no, T{1}, y);
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
  for (int r = 0; r < dy.rows; ++r) {
    const T* row = dy.row(r);
    for (int j = 0; j < dy.columns; ++j) dbias[j] += row[j];
  }
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
