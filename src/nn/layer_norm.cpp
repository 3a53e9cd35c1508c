// Compiled with -ffast-math: sums over a row become vector sums, in an order that depends on the width only.
#include "cotscale/nn/layer_norm.hpp"

#include <cmath>

namespace cotscale::nn {

template<class T>
void layer_norm(input<T> x, input_vector<T> gain, input_vector<T> bias, T* mean, T* scale, view<T> y) {
  const int width = x.columns;
  for (int r = 0; r < x.rows; ++r) {
    const T* in = x.row(r);
    T* out = y.row(r);
    T sum = 0;
    for (int j = 0; j < width; ++j) sum += in[j];
    const T m = sum / static_cast<T>(width);
    T square = 0;
    for (int j = 0; j < width; ++j) square += (in[j] - m) * (in[j] - m);
    const T s = 1 / std::sqrt(square / static_cast<T>(width) + static_cast<T>(layer_norm_epsilon));
    for (int j = 0; j < width; ++j) out[j] = (in[j] - m) * s * gain[j] + bias[j];
    mean[r] = m;
    scale[r] = s;
  }
}

template<class T>
void layer_norm_backward(input<T> x, input_vector<T> gain, input_vector<T> mean, input_vector<T> scale, input<T> dy,
                         view<T> dx, T* dgain, T* dbias) {
  const int width = x.columns;
  for (int r = 0; r < x.rows; ++r) {
    const T* in = x.row(r);
    const T* d_out = dy.row(r);
    T* d_in = dx.row(r);
    const T m = mean[r], s = scale[r];
    T sum = 0, product = 0;  // of dx̂ and dx̂·x̂, where dx̂ = dy·gain
    for (int j = 0; j < width; ++j) {
      const T normalised = (in[j] - m) * s;
      const T through = d_out[j] * gain[j];
      sum += through;
      product += through * normalised;
    }
    sum /= static_cast<T>(width);
    product /= static_cast<T>(width);
    // x̂ = (x − mean)·scale: dx = scale·(dx̂ − ⟨dx̂⟩ − x̂·⟨dx̂·x̂⟩)
    for (int j = 0; j < width; ++j) {
      const T normalised = (in[j] - m) * s;
      d_in[j] += s * (d_out[j] * gain[j] - sum - normalised * product);
      dgain[j] += d_out[j] * normalised;
      dbias[j] += d_out[j];
    }
  }
}

#define COTSCALE_INSTANTIATE(T)                                                                                        \
  template void layer_norm<T>(input<T>, input_vector<T>, input_vector<T>, T*, T*, view<T>);                            \
  template void layer_norm_backward<T>(input<T>, input_vector<T>, input_vector<T>, input_vector<T>, input<T>, view<T>, \
                                       T*, T*);
COTSCALE_INSTANTIATE(float)
COTSCALE_INSTANTIATE(double)
#undef COTSCALE_INSTANTIATE

}  // namespace cotscale::nn
