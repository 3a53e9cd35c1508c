#include "cotscale/nn/gelu.hpp"

#include <algorithm>
#include <cmath>

#include "cotscale/base/elementary.hpp"
#include "cotscale/base/error.hpp"

namespace cotscale::nn {
namespace {

// ½(1 + tanh u) = 1/(1 + e^{−2u}), and 2u = x(a + b x²)
template<class T>
constexpr T a = static_cast<T>(1.5957691216057308);  // 2√(2/π)
template<class T>
constexpr T b = static_cast<T>(1.5957691216057308 * 0.044715);

constexpr std::size_t block = 64;  // whole vectors only: a number's bits do not depend on its neighbours

// Beyond it e^{−2|u|} is 0 in this precision, and the slope is that of a line; squares remain finite.
template<class T>
constexpr T edge = sizeof(T) == 4 ? 11 : 22;

// share = ½(1 + tanh u) and rest = 1 − share, neither from a difference: with q = e^{−2|u|} the larger is 1/(1 + q),
// the other q/(1 + q). The denominator is in [1, 2] whatever x is.
template<class T>
struct halves {
  T share, rest, square;  // square: of x, bounded
};

template<class T>
[[gnu::always_inline]] inline halves<T> halves_of(T x) {
  const T size = std::abs(x), bounded = size > edge<T> ? edge<T> : size;  // NaN stays
  const T square = bounded * bounded;
  const T q = elementary::exp(-bounded * (a<T> + b<T> * square));
  const T larger = 1 / (1 + q);
  const T smaller = q * larger;
  return {.share = x < 0 ? smaller : larger, .rest = x < 0 ? larger : smaller, .square = square};
}

template<class T>
void gelu_blocks(const T* __restrict x, T* __restrict y, std::size_t blocks) {
  for (std::size_t i = 0; i < blocks * block; ++i) y[i] = x[i] * halves_of(x[i]).share;
}

template<class T>
void backward_blocks(const T* __restrict x, T* __restrict d, T* __restrict y, std::size_t blocks) {
  for (std::size_t i = 0; i < blocks * block; ++i) {
    const halves<T> h = halves_of(x[i]);
    y[i] = x[i] * h.share;
    // y = x·share: ∂y/∂x = share + x·share·(1 − share)·∂(2u)/∂x
    d[i] *= h.share + y[i] * h.rest * (a<T> + 3 * b<T> * h.square);
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
