// GELU in its tanh form, as GPT-2 has it. (Hendrycks and Gimpel, arXiv 1606.08415)
#pragma once

#include <span>

namespace cotscale::nn {

/// y = ½x(1 + tanh u) with u = √(2/π)(x + 0.044715x³).
template<class T>
void gelu(std::span<const T> x, std::span<T> y);

/// d = dy·∂y/∂x in the place of dy; also y, which need not have been kept.
template<class T>
void gelu_backward(std::span<const T> x, std::span<T> d, std::span<T> y);

}  // namespace cotscale::nn
