#include "cotscale/nn/attention.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "attention_rows.hpp"
#include "cotscale/base/error.hpp"
#include "cotscale/linalg/products.hpp"

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
void require_shapes(const heads<const T>& q, const heads<const T>& k, const heads<const T>& v, int first, int every,
                    const heads<const T>& p) {
  const view<const T>&q1 = q.first, &k1 = k.first, &v1 = v.first, &p1 = p.first;
  const int keys = keys_of(first, every, q1.rows);
  expects(first >= 0 && every >= 1 && k1.rows == keys && v1.rows == keys && k1.columns == q1.columns &&
              v1.columns == q1.columns && p1.rows == q1.rows && p1.columns == keys && p1.stride % attention_lane == 0,
          "attention: first = {}, every = {}, q ({}, {}), k ({}, {}), v ({}, {}), p ({}, {}), stride {}", first, every,
          q1.rows, q1.columns, k1.rows, k1.columns, v1.rows, v1.columns, p1.rows, p1.columns, p1.stride);
  expects(k1.stride == k1.columns && v1.stride == v1.columns, "attention: keys and values are not dense");
  expects(k.count == q.count && v.count == q.count && p.count == q.count, "attention: {}, {}, {}, {} heads", q.count,
          k.count, v.count, p.count);
}

// A lone query, as in a chain: vectors times matrices.
template<class T>
void attend_once(view<const T> q, view<const T> k, view<const T> v, view<T> p, view<T> out) {
  detail::scores_of_row(k.rows, k.columns, q.data, k.data, p.data);
  detail::softmax_row(scale_of<T>(q.columns), k.rows, p.stride, p.data);
  detail::mean_of_rows(v.rows, v.columns, p.data, v.data, out.data);
}

template<class T>
T* scratch(int which, std::size_t size) {
  thread_local std::array<line_vector<T>, 2> memory;
  auto& out = memory.at(static_cast<std::size_t>(which));
  if (out.size() < size) out.resize(size);
  return out.data();
}

// Keys or values of one head as columns, in memory that is used again for the next head.
template<class T>
view<const T> turned(view<const T> rows) {
  const int stride = padded_to_lanes(rows.rows);
  const view<T> out(scratch<T>(0, static_cast<std::size_t>(rows.columns) * static_cast<std::size_t>(stride)),
                    rows.columns, rows.rows, stride);
  transpose_into<T>(rows, out);
  return out;
}

// Queries that go together: no key beyond their last is needed.
struct query_rows {
  int begin, count, keys;
};

std::vector<query_rows> blocks_of(int queries, int first, int every) {
  std::vector<query_rows> out;
  for (int begin = 0; begin < queries; begin += query_block) {
    const int count = std::min(query_block, queries - begin);
    out.push_back({.begin = begin, .count = count, .keys = keys_of(first, every, begin + count)});
  }
  return out;
}

// Of a block, the same for all heads. Strides are those of p and of keys as columns, of queries, keys and outputs.
template<class T>
struct forward_products {
  forward_products(const query_rows& block, int width, int stride_q, int stride_p, int stride_turned, int stride_out)
      : scores({.rows = block.count,
                .depth = width,
                .columns = block.keys,
                .stride_a = stride_q,
                .stride_b = stride_turned,
                .stride_c = stride_p}),
        means({.rows = block.count,
               .depth = block.keys,
               .columns = width,
               .stride_a = stride_p,
               .stride_b = width,
               .stride_c = stride_out}) {}
  shaped_product<T> scores, means;
};

// c += aᵀ·b over the queries of a block: what a key or a value receives.
template<class T>
shaped_product<T> sum_over_queries(const query_rows& block, int width, int stride_a, int stride_b) {
  return shaped_product<T>({.rows = block.keys,
                            .depth = block.count,
                            .columns = width,
                            .stride_a = stride_a,
                            .stride_b = stride_b,
                            .stride_c = width,
                            .op_a = transpose::yes,
                            .add = true});
}

template<class T>
void attend_once_backward(view<const T> q, view<const T> k, view<const T> v, view<const T> p, view<const T> dout,
                          view<T> dq, view<T> dk, view<T> dv) {
  T* ds = scratch<T>(1, static_cast<std::size_t>(k.rows));
  detail::scores_of_row(v.rows, v.columns, dout.data, v.data, ds);
  detail::softmax_row_backward(scale_of<T>(q.columns), k.rows, p.data, ds);
  detail::mean_of_rows(k.rows, k.columns, ds, k.data, dq.data);
  detail::add_to_rows(k.rows, k.columns, ds, q.data, dk.data);
  detail::add_to_rows(v.rows, v.columns, p.data, dout.data, dv.data);
}

}  // namespace

template<class T>
void attention(input_heads<T> q, input_heads<T> k, input_heads<T> v, int first, heads<T> p, heads<T> out, int every) {
  require_shapes<T>(q, k, v, first, every, p);
  if (q.first.rows == 1) {
    for (int h = 0; h < q.count; ++h) attend_once<T>(q[h], k[h], v[h], p[h], out[h]);
    return;
  }
  const int width = q.first.columns, stride_p = p.first.stride, stride_turned = padded_to_lanes(k.first.rows);
  const std::vector<query_rows> blocks = blocks_of(q.first.rows, first, every);
  std::vector<forward_products<T>> products;
  for (const query_rows& block : blocks) {
    products.emplace_back(block, width, q.first.stride, stride_p, stride_turned, out.first.stride);
  }
  for (int h = 0; h < q.count; ++h) {
    const view<const T> keys = turned<T>(k[h]);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const query_rows& block = blocks[i];
      products[i].scores(q[h].row(block.begin), keys.data, p[h].row(block.begin));
      for (int t = block.begin; t < block.begin + block.count; ++t) {
        // Zeros to the end: the backward pass may take more keys together than this one.
        detail::softmax_row(scale_of<T>(width), keys_of(first, every, t + 1), stride_p, p[h].row(t));
      }
      products[i].means(p[h].row(block.begin), v[h].data, out[h].row(block.begin));
    }
  }
}

template<class T>
void attention_backward(input_heads<T> q, input_heads<T> k, input_heads<T> v, int first, input_heads<T> p,
                        input_heads<T> dout, heads<T> dq, heads<T> dk, heads<T> dv, int every) {
  require_shapes<T>(q, k, v, first, every, p);
  expects(dk.first.stride == k.first.stride && dv.first.stride == v.first.stride,
          "attention_backward: derivatives by keys and values are not dense");
  if (q.first.rows == 1) {
    for (int h = 0; h < q.count; ++h) {
      attend_once_backward<T>(q[h], k[h], v[h], p[h], dout[h], dq[h], dk[h], dv[h]);
    }
    return;
  }
  const int width = q.first.columns, stride_p = p.first.stride, stride_turned = padded_to_lanes(v.first.rows);
  T* ds = scratch<T>(1, static_cast<std::size_t>(query_block) * static_cast<std::size_t>(stride_p));
  // out = P·V: dP = dout·Vᵀ, dV += Pᵀ·dout; S = Q·Kᵀ: dQ = dS·K, dK += dSᵀ·Q
  struct products {
    forward_products<T> of_scores;
    shaped_product<T> by_values, by_keys;
  };
  const std::vector<query_rows> blocks = blocks_of(q.first.rows, first, every);
  std::vector<products> of_blocks;
  for (const query_rows& block : blocks) {
    of_blocks.push_back({{block, width, dout.first.stride, stride_p, stride_turned, dq.first.stride},
                         sum_over_queries<T>(block, width, stride_p, dout.first.stride),
                         sum_over_queries<T>(block, width, stride_p, q.first.stride)});
  }
  for (int h = 0; h < q.count; ++h) {
    const view<const T> values = turned<T>(v[h]);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto& [begin, count, keys] = blocks[i];
      const T* out_bar = dout[h].row(begin);
      of_blocks[i].of_scores.scores(out_bar, values.data, ds);
      of_blocks[i].by_values(p[h].row(begin), out_bar, dv[h].data);
      for (int t = 0; t < count; ++t) {
        detail::softmax_row_backward(scale_of<T>(width), keys, p[h].row(begin + t),
                                     ds + static_cast<std::ptrdiff_t>(t) * stride_p);
      }
      of_blocks[i].of_scores.means(ds, k[h].data, dq[h].row(begin));
      of_blocks[i].by_keys(ds, q[h].row(begin), dk[h].data);
    }
  }
}

#define COTSCALE_INSTANTIATE(T)                                                                             \
  template void attention<T>(input_heads<T>, input_heads<T>, input_heads<T>, int, heads<T>, heads<T>, int); \
  template void attention_backward<T>(input_heads<T>, input_heads<T>, input_heads<T>, int, input_heads<T>,  \
                                      input_heads<T>, heads<T>, heads<T>, heads<T>, int);
COTSCALE_INSTANTIATE(float)
COTSCALE_INSTANTIATE(double)
#undef COTSCALE_INSTANTIATE

}  // namespace cotscale::nn
