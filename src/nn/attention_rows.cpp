#include "attention_rows.hpp"

#include <algorithm>
#include <cmath>

#include "cotscale/nn/attention.hpp"

namespace cotscale::nn::detail {

template<class T>
void softmax_row(T scale, int count, int zeros, T* s) {
  const int padded = padded_to_lanes(count);
  constexpr T lowest = static_cast<T>(-1e30);  // finite: -ffast-math knows no infinity
  constexpr T smallest_exponent = -80;         // vectors of exp fail far out; e^−80 is nothing beside the largest, 1
  for (int j = count; j < padded; ++j) s[j] = lowest;
  T largest = lowest;
  for (int j = 0; j < padded; ++j) largest = std::max(largest, s[j]);
  const T shift = scale * largest;
  T sum = 0;
  for (int j = 0; j < padded; ++j) {
    s[j] = std::exp(std::max(scale * s[j] - shift, smallest_exponent));
    sum += s[j];
  }
  const T inverse = 1 / sum;
  for (int j = 0; j < padded; ++j) s[j] *= inverse;
  for (int j = count; j < zeros; ++j) s[j] = 0;
}

template<class T>
void softmax_row_backward(T scale, int count, const T* p, T* dp) {
  T sum = 0;
  for (int j = 0; j < count; ++j) sum += p[j] * dp[j];
  for (int j = 0; j < count; ++j) dp[j] = scale * p[j] * (dp[j] - sum);
}

template<class T>
void scores_of_row(int count, int width, const T* q, const T* k, T* s) {
  for (int j = 0; j < count; ++j) {
    T sum = 0;
    for (int c = 0; c < width; ++c) sum += q[c] * k[j * width + c];
    s[j] = sum;
  }
}

template<class T>
void mean_of_rows(int count, int width, const T* p, const T* v, T* out) {
  std::fill_n(out, width, T{0});
  for (int j = 0; j < count; ++j) {
    for (int c = 0; c < width; ++c) out[c] += p[j] * v[j * width + c];
  }
}

template<class T>
void add_to_rows(int count, int width, const T* ds, const T* q, T* dk) {
  for (int j = 0; j < count; ++j) {
    for (int c = 0; c < width; ++c) dk[j * width + c] += ds[j] * q[c];
  }
}

#define COTSCALE_INSTANTIATE(T)                                     \
  template void softmax_row<T>(T, int, int, T*);                    \
  template void softmax_row_backward<T>(T, int, const T*, T*);      \
  template void scores_of_row<T>(int, int, const T*, const T*, T*); \
  template void mean_of_rows<T>(int, int, const T*, const T*, T*);  \
  template void add_to_rows<T>(int, int, const T*, const T*, T*);
COTSCALE_INSTANTIATE(float)
COTSCALE_INSTANTIATE(double)
#undef COTSCALE_INSTANTIATE

}  // namespace cotscale::nn::detail
