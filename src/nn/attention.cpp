#include "cotscale/nn/attention.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "attention_rows.hpp"
#include "cotscale/base/error.hpp"

namespace cotscale::nn {
namespace {

constexpr int query_block = 48;  // a block needs no key beyond its own end

template<class T>
T scale_of(int width) {
  return 1 / std::sqrt(static_cast<T>(width));
}

// Keys that so many queries see together, which are those that the last sees.
int keys_of(int first, int every, int queries) { return first + every * (queries - 1) + 1; }

template<class T>
void require_shapes(view<const T> q, view<const T> k, view<const T> v, int first, int every, view<const T> p) {
  const int keys = keys_of(first, every, q.rows);
  expects(first >= 0 && every >= 1 && k.rows == keys && v.rows == keys && k.columns == q.columns &&
              v.columns == q.columns && p.rows == q.rows && p.columns == keys && p.stride % attention_lane == 0,
          "attention: first = {}, every = {}, q ({}, {}), k ({}, {}), v ({}, {}), p ({}, {}), stride {}", first, every,
          q.rows, q.columns, k.rows, k.columns, v.rows, v.columns, p.rows, p.columns, p.stride);
  expects(k.stride == k.columns && v.stride == v.columns, "attention: keys and values are not dense");
}

// A lone query, as in a chain: vectors times matrices.
template<class T>
void attend_once(view<const T> q, view<const T> k, view<const T> v, view<T> p, view<T> out) {
  detail::scores_of_row(k.rows, k.columns, q.data, k.data, p.data);
  detail::softmax_row(scale_of<T>(q.columns), k.rows, p.stride, p.data);
  detail::mean_of_rows(v.rows, v.columns, p.data, v.data, out.data);
}

template<class T>
T* scratch(std::size_t size) {
  thread_local std::vector<T, cotscale::detail::line_allocator<T>> memory;
  if (memory.size() < size) memory.resize(size);
  return memory.data();
}

template<class T>
void attend_once_backward(view<const T> q, view<const T> k, view<const T> v, view<const T> p, view<const T> dout,
                          view<T> dq, view<T> dk, view<T> dv) {
  T* ds = scratch<T>(static_cast<std::size_t>(k.rows));
  detail::scores_of_row(v.rows, v.columns, dout.data, v.data, ds);
  detail::softmax_row_backward(scale_of<T>(q.columns), k.rows, p.data, ds);
  detail::mean_of_rows(k.rows, k.columns, ds, k.data, dq.data);
  detail::add_to_rows(k.rows, k.columns, ds, q.data, dk.data);
  detail::add_to_rows(v.rows, v.columns, p.data, dout.data, dv.data);
}

}  // namespace

template<class T>
void attention(input<T> q, input<T> k, input<T> v, int first, view<T> p, view<T> out, int every) {
  require_shapes<T>(q, k, v, first, every, p);
  if (q.rows == 1) return attend_once<T>(q, k, v, p, out);
  const int width = q.columns;
  for (int begin = 0; begin < q.rows; begin += query_block) {
    const int rows = std::min(query_block, q.rows - begin);
    const int keys = keys_of(first, every, begin + rows);
    const view<T> block = p.block(begin, 0, rows, keys);
    multiply(T{1}, q.block(begin, 0, rows, width), transpose::no, k.block(0, 0, keys, width), transpose::yes, T{0},
             block);
    for (int t = 0; t < rows; ++t) {
      // Zeros to the end: the backward pass may take more keys together than this one.
      detail::softmax_row(scale_of<T>(width), keys_of(first, every, begin + t + 1), p.stride, block.row(t));
    }
    multiply(T{1}, block, transpose::no, v.block(0, 0, keys, width), transpose::no, T{0},
             out.block(begin, 0, rows, width));
  }
}

template<class T>
void attention_backward(input<T> q, input<T> k, input<T> v, int first, input<T> p, input<T> dout, view<T> dq,
                        view<T> dk, view<T> dv, int every) {
  require_shapes<T>(q, k, v, first, every, p);
  if (q.rows == 1) return attend_once_backward<T>(q, k, v, p, dout, dq, dk, dv);
  const int width = q.columns;
  T* memory = scratch<T>(static_cast<std::size_t>(query_block) * static_cast<std::size_t>(p.stride));
  for (int begin = 0; begin < q.rows; begin += query_block) {
    const int rows = std::min(query_block, q.rows - begin);
    const int keys = keys_of(first, every, begin + rows);
    const view<const T> block = p.block(begin, 0, rows, keys);
    const view<const T> queries = q.block(begin, 0, rows, width), out_bar = dout.block(begin, 0, rows, width);
    const view<T> ds(memory, rows, keys, p.stride);
    // out = P·V: dP = dout·Vᵀ, dV += Pᵀ·dout
    multiply(T{1}, out_bar, transpose::no, v.block(0, 0, keys, width), transpose::yes, T{0}, ds);
    multiply(T{1}, block, transpose::yes, out_bar, transpose::no, T{1}, dv.block(0, 0, keys, width));
    for (int t = 0; t < rows; ++t) detail::softmax_row_backward(scale_of<T>(width), keys, block.row(t), ds.row(t));
    // S = Q·Kᵀ: dQ = dS·K, dK += dSᵀ·Q
    multiply(T{1}, ds, transpose::no, k.block(0, 0, keys, width), transpose::no, T{0}, dq.block(begin, 0, rows, width));
    multiply(T{1}, ds, transpose::yes, queries, transpose::no, T{1}, dk.block(0, 0, keys, width));
  }
}

#define COTSCALE_INSTANTIATE(T)                                                                                \
  template void attention<T>(input<T>, input<T>, input<T>, int, view<T>, view<T>, int);                        \
  template void attention_backward<T>(input<T>, input<T>, input<T>, int, input<T>, input<T>, view<T>, view<T>, \
                                      view<T>, int);
COTSCALE_INSTANTIATE(float)
COTSCALE_INSTANTIATE(double)
#undef COTSCALE_INSTANTIATE

}  // namespace cotscale::nn
