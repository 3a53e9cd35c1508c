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

template<class T>
void layer_norm_backward(input<T> x, input_vector<T> gain, input_vector<T> mean, input_vector<T> scale, input<T> dy,
                         view<T> dx, T* dgain, T* dbias) {
  const int width = x.columns;
  for (int r = 0; r < x.rows; ++r) {
    const T* in = x.row(r);
    const T* d_out = dy.row(r);
    T* d_in = dx.row(r);
    const T m = mean[r], s = scale[r];
    // The means of dx̂ and dx̂·x̂, where dx̂ = dy·gain.
    const T sum = detail::sum_of_row<T>(width, [&](auto at) { return at(d_out) * at(gain); }) / static_cast<T>(width);
    const T product = detail::sum_of_row<T>(width, [&](auto at) { return at(d_out) * at(gain) * ((at(in) - m) * s); }) /
                      static_cast<T>(width);
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
