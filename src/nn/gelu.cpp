// Compiled with -ffast-math, so that exp is a vector function.
#include "cotscale/nn/gelu.hpp"

#include <algorithm>
#include <cmath>

#include "cotscale/base/error.hpp"

namespace cotscale::nn {
namespace {

// ½(1 + tanh u) = 1/(1 + e^{−2u}), and 2u = x(a + b x²)
template<class T>
constexpr T a = static_cast<T>(1.5957691216057308);  // 2√(2/π)
template<class T>
constexpr T b = static_cast<T>(1.5957691216057308 * 0.044715);

constexpr std::size_t block = 64;  // whole vectors only: a number's bits do not depend on its neighbours

// e^{−2u}, bounded: vectors of exp fail far out, and a quotient is a product with an approximate inverse, which
// infinity has not.
template<class T>
T decay(T x, T square) {
  return std::exp(std::clamp(-x * (a<T> + b<T> * square), T{-80}, T{80}));
}

template<class T>
void gelu_blocks(const T* __restrict x, T* __restrict y, std::size_t blocks) {
  for (std::size_t i = 0; i < blocks * block; ++i) y[i] = x[i] / (1 + decay(x[i], x[i] * x[i]));
}

template<class T>
void backward_blocks(const T* __restrict x, T* __restrict d, T* __restrict y, std::size_t blocks) {
  for (std::size_t i = 0; i < blocks * block; ++i) {
    const T square = x[i] * x[i];
    const T share = 1 / (1 + decay(x[i], square));
    y[i] = x[i] * share;
    // y = x·share: ∂y/∂x = share + x·share·(1 − share)·∂(2u)/∂x
    d[i] *= share + y[i] * (1 - share) * (a<T> + 3 * b<T> * square);
  }
}

}  // namespace

template<class T>
void gelu(std::span<const T> x, std::span<T> y) {
  expects(x.size() == y.size(), "gelu: {} and {} numbers", x.size(), y.size());
  const std::size_t blocks = x.size() / block, rest = x.size() % block;
  gelu_blocks(x.data(), y.data(), blocks);
  if (rest == 0) return;
  T in[block] = {}, out[block];
  std::copy_n(x.data() + blocks * block, rest, in);
  gelu_blocks(in, out, 1);
  std::copy_n(out, rest, y.data() + blocks * block);
}

template<class T>
void gelu_backward(std::span<const T> x, std::span<T> d, std::span<T> y) {
  expects(x.size() == y.size() && x.size() == d.size(), "gelu_backward: {}, {} and {} numbers", x.size(), d.size(),
          y.size());
  const std::size_t blocks = x.size() / block, rest = x.size() % block;
  backward_blocks(x.data(), d.data(), y.data(), blocks);
  if (rest == 0) return;
  T in[block] = {}, change[block] = {}, out[block];
  std::copy_n(x.data() + blocks * block, rest, in);
  std::copy_n(d.data() + blocks * block, rest, change);
  backward_blocks(in, change, out, 1);
  std::copy_n(change, rest, d.data() + blocks * block);
  std::copy_n(out, rest, y.data() + blocks * block);
}

#define COTSCALE_INSTANTIATE(T)                            \
  template void gelu<T>(std::span<const T>, std::span<T>); \
  template void gelu_backward<T>(std::span<const T>, std::span<T>, std::span<T>);
COTSCALE_INSTANTIATE(float)
COTSCALE_INSTANTIATE(double)
#undef COTSCALE_INSTANTIATE

}  // namespace cotscale::nn
