// Affine maps of rows.
#pragma once

#include <type_traits>

#include "cotscale/linalg/blas.hpp"

namespace cotscale::nn {

/// What a layer only reads; T follows from what it writes.
template<class T>
using input = view<const std::type_identity_t<T>>;

template<class T>
using input_vector = const std::type_identity_t<T>*;

/// y = x·op(w) + bias: x (R, I), op(w) (I, O), bias (O), y (R, O).
template<class T>
void linear(input<T> x, input<T> w, transpose op, input_vector<T> bias, view<T> y);

/// y = residual + x·w + bias; residual (R, O) may not be y.
template<class T>
void linear_residual(input<T> x, input<T> w, input_vector<T> bias, input<T> residual, view<T> y);

/// Of y = x·op(w) + bias: dx = beta·dx + dy·op(w)ᵀ.
template<class T>
void linear_backward_input(input<T> dy, input<T> w, transpose op, std::type_identity_t<T> beta, view<T> dx);

/// Of y = x·op(w) + bias: op(dw) += xᵀ·dy and dbias (O) += Σ_r dy_r.
template<class T>
void linear_backward_weights(input<T> x, input<T> dy, transpose op, view<T> dw, T* dbias);

}  // namespace cotscale::nn
