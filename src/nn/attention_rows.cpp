#include "attention_rows.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "cotscale/base/elementary.hpp"
#include "cotscale/nn/attention.hpp"
#include "row_sums.hpp"

namespace cotscale::nn::detail {

template<class T>
void softmax_row(T scale, int count, int zeros, T* s) {
  const int padded = padded_to_lanes(count);
  std::fill(s + count, s + padded, -std::numeric_limits<T>::infinity());
  const T largest = largest_of_row(padded, s);
  // The difference first: that of two rounded products need not be 0 at the largest, and overflows where scores are
  // large.
  for (int j = 0; j < padded; ++j) s[j] = elementary::exp(scale * (s[j] - largest));
  const T inverse = 1 / sum_of_row<T>(padded, [&](auto at) { return at(s); });
  for (int j = 0; j < padded; ++j) s[j] *= inverse;
  std::fill(s + count, s + zeros, T{0});
}

template<class T>
void softmax_row_backward(T scale, int count, const T* p, T* dp) {
  const T sum = sum_of_row<T>(count, [&](auto at) { return at(p) * at(dp); });
  for (int j = 0; j < count; ++j) dp[j] = scale * p[j] * (dp[j] - sum);
}

namespace {

// The width of a head as a constant where it is a usual one: then a row stays in registers.
template<class F>
void with_width(int width, F call) {
  switch (width) {
    case 16:
      return call(std::integral_constant<int, 16>());
    case 32:
      return call(std::integral_constant<int, 32>());
    case 64:
      return call(std::integral_constant<int, 64>());
    default:
      return call(width);
  }
}

template<class T, int W>
void mean_of_fixed_rows(int count, const T* p, const T* v, T* out) {
  T even[W] = {}, odd[W] = {};  // two sums: a product need not wait for the one before
  int j = 0;
  for (; j + 1 < count; j += 2) {
    for (int c = 0; c < W; ++c) even[c] += p[j] * v[j * W + c];
    for (int c = 0; c < W; ++c) odd[c] += p[j + 1] * v[(j + 1) * W + c];
  }
  if (j < count) {
    for (int c = 0; c < W; ++c) even[c] += p[j] * v[j * W + c];
  }
  for (int c = 0; c < W; ++c) out[c] = even[c] + odd[c];
}

}  // namespace

template<class T>
void scores_of_row(int count, int width, const T* q, const T* k, T* s) {
  with_width(width, [&](auto w) {
    for (int j = 0; j < count; ++j) {
      s[j] = sum_of_row<T>(w, [&](auto at) { return at(q) * at(k + j * w); });
    }
  });
}

template<class T>
void mean_of_rows(int count, int width, const T* p, const T* v, T* out) {
  with_width(width, [&](auto w) {
    if constexpr (std::is_same_v<decltype(w), int>) {
      std::fill_n(out, w, T{0});
      for (int j = 0; j < count; ++j) {
        for (int c = 0; c < w; ++c) out[c] += p[j] * v[j * w + c];
      }
    } else {
      mean_of_fixed_rows<T, w()>(count, p, v, out);
    }
  });
}

template<class T>
void add_to_rows(int count, int width, const T* ds, const T* q, T* dk) {
  with_width(width, [&](auto w) {
    for (int j = 0; j < count; ++j) {
      for (int c = 0; c < w; ++c) dk[j * w + c] += ds[j] * q[c];
    }
  });
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
