#include "cotscale/nn/layer_norm.hpp"

#include <cmath>
#include <type_traits>

#include "row_sums.hpp"

namespace cotscale::nn {
namespace {

template<class T>
struct row_moments {
  T mean, scale;
};

// The same where squares overflow, in wider numbers.
template<class T>
row_moments<T> moments_of_large(const T* in, int width) {
  using wide = std::conditional_t<sizeof(T) == 4, double, long double>;
  wide sum = 0;
  for (int j = 0; j < width; ++j) sum += in[j];
  const wide m = sum / static_cast<wide>(width);
  wide square = 0;
  for (int j = 0; j < width; ++j) square += (in[j] - m) * (in[j] - m);
  const wide scale = 1 / std::sqrt(square / static_cast<wide>(width) + static_cast<wide>(layer_norm_epsilon));
  return {.mean = static_cast<T>(m), .scale = static_cast<T>(scale)};
}

template<class T>
row_moments<T> moments_of(const T* in, int width) {
  const T m = detail::sum_of_row<T>(width, [&](auto at) { return at(in); }) / static_cast<T>(width);
  const T square = detail::sum_of_row<T>(width, [&](auto at) {
    const auto difference = at(in) - m;
    return difference * difference;
  });
  if (!std::isfinite(square)) return moments_of_large(in, width);
  return {.mean = m, .scale = 1 / std::sqrt(square / static_cast<T>(width) + static_cast<T>(layer_norm_epsilon))};
}

}  // namespace

template<class T>
void layer_norm(input<T> x, input_vector<T> gain, input_vector<T> bias, T* mean, T* scale, view<T> y) {
  const int width = x.columns;
  for (int r = 0; r < x.rows; ++r) {
    const T* in = x.row(r);
    T* out = y.row(r);
    const auto [m, s] = moments_of(in, width);
    for (int j = 0; j < width; ++j) out[j] = (in[j] - m) * s * gain[j] + bias[j];
    mean[r] = m;
    scale[r] = s;
  }
}

namespace {

// So many rows at once, so that the derivatives by gain and bias are loaded and stored seldom.
template<class T, int Rows>
void backward_rows(input<T> x, input_vector<T> gain, input_vector<T> mean, input_vector<T> scale, input<T> dy,
                   view<T> dx, int first, T* __restrict dgain, T* __restrict dbias) {
  const int width = x.columns;
  const T *in[Rows], *d_out[Rows];
  T* d_in[Rows];
  T m[Rows], s[Rows], sum[Rows], product[Rows];
  for (int i = 0; i < Rows; ++i) {
    in[i] = x.row(first + i);
    d_out[i] = dy.row(first + i);
    d_in[i] = dx.row(first + i);
    m[i] = mean[first + i];
    s[i] = scale[first + i];
    // The means of dx̂ and dx̂·x̂, where dx̂ = dy·gain.
    const auto through = [&](auto at) { return at(d_out[i]) * at(gain); };
    sum[i] = detail::sum_of_row<T>(width, through) / static_cast<T>(width);
    product[i] = detail::sum_of_row<T>(width, [&](auto at) { return through(at) * ((at(in[i]) - m[i]) * s[i]); }) /
                 static_cast<T>(width);
  }
  // x̂ = (x − mean)·scale: dx = scale·(dx̂ − ⟨dx̂⟩ − x̂·⟨dx̂·x̂⟩)
  for (int j = 0; j < width; ++j) {
    T by_gain = 0, by_bias = 0;
    for (int i = 0; i < Rows; ++i) {
      const T normalised = (in[i][j] - m[i]) * s[i];
      d_in[i][j] += s[i] * (d_out[i][j] * gain[j] - sum[i] - normalised * product[i]);
      by_gain += d_out[i][j] * normalised;
      by_bias += d_out[i][j];
    }
    dgain[j] += by_gain;
    dbias[j] += by_bias;
  }
}

}  // namespace

template<class T>
void layer_norm_backward(input<T> x, input_vector<T> gain, input_vector<T> mean, input_vector<T> scale, input<T> dy,
                         view<T> dx, T* dgain, T* dbias) {
  constexpr int together = 4;
  int r = 0;
  for (; r + together <= x.rows; r += together) {
    backward_rows<T, together>(x, gain, mean, scale, dy, dx, r, dgain, dbias);
  }
  for (; r < x.rows; ++r) backward_rows<T, 1>(x, gain, mean, scale, dy, dx, r, dgain, dbias);
}

#define COTSCALE_INSTANTIATE(T)                                                                                        \
  template void layer_norm<T>(input<T>, input_vector<T>, input_vector<T>, T*, T*, view<T>);                            \
  template void layer_norm_backward<T>(input<T>, input_vector<T>, input_vector<T>, input_vector<T>, input<T>, view<T>, \
                                       T*, T*);
COTSCALE_INSTANTIATE(float)
COTSCALE_INSTANTIATE(double)
#undef COTSCALE_INSTANTIATE

}  // namespace cotscale::nn
