// Layer normalisation. (Ba, Kiros and Hinton, arXiv 1607.06450)
#pragma once

#include "cotscale/nn/linear.hpp"

namespace cotscale::nn {

inline constexpr double layer_norm_epsilon = 1e-5;  // added to the variance, as PyTorch and GPT-2 do

/// y = gain·x̂ + bias with x̂ = (x − mean)·scale, scale = 1/√(variance + ε), over each row: x, y (R, C), gain, bias (C);
/// keeps mean and scale (R) for the way back.
template<class T>
void layer_norm(input<T> x, input_vector<T> gain, input_vector<T> bias, T* mean, T* scale, view<T> y);

/// dx += what comes through x, dgain += Σ_r dy·x̂, dbias += Σ_r dy.
template<class T>
void layer_norm_backward(input<T> x, input_vector<T> gain, input_vector<T> mean, input_vector<T> scale, input<T> dy,
                         view<T> dx, T* dgain, T* dbias);

}  // namespace cotscale::nn
