#include <algorithm>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/products.hpp"
#include "cotscale/nn/attention.hpp"
#include "cotscale/nn/gelu.hpp"
#include "cotscale/nn/layer_norm.hpp"
#include "gpt2_memory.hpp"

namespace cotscale {

template<class T>
void transpose_maps(const gpt2_layout& layout, std::span<const T> parameters, std::span<T> out) {
  expects(parameters.size() == layout.size() && out.size() == layout.size(), "transpose_maps: {} parameters into {}",
          parameters.size(), out.size());
  const int C = layout.configuration().size.width;
  const auto transpose_map = [&](std::size_t offset, int inputs, int outputs) {
    transpose_into<T>({parameters.data() + offset, inputs, outputs}, {out.data() + offset, outputs, inputs});
  };
  for (const gpt2_block_offsets& o : layout.blocks) {
    transpose_map(o.c_attn_weight, C, 3 * C);
    transpose_map(o.attn_proj_weight, C, C);
    transpose_map(o.c_fc_weight, C, 4 * C);
    transpose_map(o.mlp_proj_weight, 4 * C, C);
  }
}

template<class T>
void gpt2_pass<T>::start_backward(std::span<const T> transposed) {
  expects(what_ == keep::all && done_ == tokens_, "gpt2_pass: backward after {} of {} tokens", done_, tokens_);
  expects(transposed.size() == layout_.size(), "gpt2_pass: {} transposed numbers, {} parameters", transposed.size(),
          layout_.size());
  transposed_ = transposed;
  for (block_memory& m : blocks_) {
    for (buffer* b : {&m.k_bar, &m.v_bar}) std::fill(b->begin(), b->end(), T{0});
  }
}

template<class T>
void gpt2_pass<T>::backward(std::span<const T> parameters, int first, int last, std::span<T> gradient) {
  expects(what_ == keep::all && first >= 0 && first < last && last <= tokens_ && done_ == tokens_ &&
              gradient.size() == layout_.size() && parameters.size() == layout_.size(),
          "gpt2_pass: backward through tokens {} … {} of {}", first, last, tokens_);
  const range final = range_of(layers() - 1, first, last);
  const view<T> untouched = rows(x_bar_, first, final.queries - first, width());
  std::fill_n(untouched.data, static_cast<std::ptrdiff_t>(untouched.rows) * untouched.columns, T{0});
  if (final.query_count() > 0) read_out_backward(parameters, final, gradient);
  for (int layer = layers() - 1; layer >= 0; --layer) {
    const range r = range_of(layer, first, last);
    if (r.query_count() > 0) {
      feed_forward_backward(parameters, layer, r, gradient);
      attend_backward(layer, r, gradient);
      if (r.prefixes > 0) spread_query_bar(r);
    }
    merge_heads_backward(layer, r);
    project_backward(parameters, layer, r, gradient);
  }
  embed_backward(parameters, range_of(0, first, last), gradient);
}

// The derivative by what comes in or out of a block at the tokens that have queries: a part of x_bar_, or apart from it
// until spread_query_bar().
template<class T>
view<T> gpt2_pass<T>::query_bar(const range& r) {
  return r.prefixes > 0 ? rows(gathered_, 0, r.query_count(), width())
                        : rows(x_bar_, r.queries, r.query_count(), width());
}

template<class T>
void gpt2_pass<T>::spread_query_bar(const range& r) {
  const int C = width();
  for (const stretch& s : stretches(r)) {
    for (int i = 0; i < s.count; ++i) {
      std::copy_n(rows(gathered_, s.row + i, 1, C).data, static_cast<std::ptrdiff_t>(batch_) * C,
                  rows(x_bar_, s.token + s.every * i, 1, C).data);
    }
  }
}

// output = norm(x)·W_outᵀ + b_out
template<class T>
void gpt2_pass<T>::read_out_backward(std::span<const T> parameters, const range& r, std::span<T> gradient) {
  const int C = width(), i = r.output, count = r.query_count();
  const view<const T> bar = rows(output_bar_, i, count, d());
  const view<T> normalised_bar(narrow_bar_.data(), count * batch_, C), x_bar = query_bar(r);
  nn::linear_backward_weights<T>(rows(normalised_, i, count, C), bar, transpose::yes,
                                 {gradient.data() + layout_.read_out_weight, d(), C},
                                 gradient.data() + layout_.read_out_bias);
  nn::linear_backward_input<T>(bar, {at(parameters, layout_.read_out_weight), d(), C}, transpose::yes, 0,
                               normalised_bar);
  std::fill_n(x_bar.data, static_cast<std::ptrdiff_t>(x_bar.rows) * C, T{0});
  nn::layer_norm_backward<T>(behind(layers() - 1, r), at(parameters, layout_.ln_f_weight), mean_.data() + i * batch_,
                             scale_.data() + i * batch_, normalised_bar, x_bar, gradient.data() + layout_.ln_f_weight,
                             gradient.data() + layout_.ln_f_bias);
}

// x' = middle + gelu(up)·W_proj + b_proj, up = norm(middle)·W_fc + b_fc
template<class T>
void gpt2_pass<T>::feed_forward_backward(std::span<const T> parameters, int layer, const range& r,
                                         std::span<T> gradient) {
  block_memory& m = memory(layer);
  const gpt2_block_offsets& o = layout_.blocks[static_cast<std::size_t>(layer)];
  const int C = width(), t = r.slot, count = r.query_count(), n = count * batch_;
  const view<T> x_bar = query_bar(r), up = rows(m.up, t, count, 4 * C);
  const view<T> act(wide_.data(), n, 4 * C), up_bar(wide_bar_.data(), n, 4 * C), n2_bar(narrow_bar_.data(), n, C);
  const std::size_t size = static_cast<std::size_t>(n) * static_cast<std::size_t>(4 * C);
  nn::linear_backward_input<T>(x_bar, {at(transposed_, o.mlp_proj_weight), C, 4 * C}, transpose::yes, 0, up_bar);
  nn::gelu_backward<T>({up.data, size}, {up_bar.data, size}, {act.data, size});
  nn::linear_backward_weights<T>(act, x_bar, transpose::no, {gradient.data() + o.mlp_proj_weight, 4 * C, C},
                                 gradient.data() + o.mlp_proj_bias);
  nn::linear_backward_weights<T>(rows(m.n2, t, count, C), up_bar, transpose::no,
                                 {gradient.data() + o.c_fc_weight, C, 4 * C}, gradient.data() + o.c_fc_bias);
  nn::linear_backward_input<T>(up_bar, {at(transposed_, o.c_fc_weight), 4 * C, C}, transpose::yes, 0, n2_bar);
  nn::layer_norm_backward<T>(rows(m.middle, t, count, C), at(parameters, o.ln_2_weight), m.mean2.data() + t * batch_,
                             m.scale2.data() + t * batch_, n2_bar, x_bar, gradient.data() + o.ln_2_weight,
                             gradient.data() + o.ln_2_bias);
}

// middle = x + attention(q, k, v)·W_proj + b_proj
template<class T>
void gpt2_pass<T>::attend_backward(int layer, const range& r, std::span<T> gradient) {
  block_memory& m = memory(layer);
  const gpt2_block_offsets& o = layout_.blocks[static_cast<std::size_t>(layer)];
  const int C = width(), D = head_width(), padded = nn::padded_to_lanes(tokens_), count = r.query_count();
  const view<T> x_bar = query_bar(r), attended_bar(narrow_bar_.data(), count * batch_, C);
  nn::linear_backward_weights<T>(rows(m.attended, r.slot, count, C), x_bar, transpose::no,
                                 {gradient.data() + o.attn_proj_weight, C, C}, gradient.data() + o.attn_proj_bias);
  nn::linear_backward_input<T>(x_bar, {at(transposed_, o.attn_proj_weight), C, C}, transpose::yes, 0, attended_bar);
  const std::ptrdiff_t query_apart = std::ptrdiff_t{chunk_} * D, key_apart = std::ptrdiff_t{tokens_} * D;
  const auto of_keys = [&](const buffer& values, int b, int keys) {
    return nn::heads<T>({head(values, tokens_, D, b, 0, 0), keys, D}, heads(), key_apart);
  };
  for (int b = 0; b < batch_; ++b) {
    for (const stretch& s : stretches(r)) {
      if (s.count == 0) continue;
      const int slot = r.slot + s.row, keys = s.last() + 1;
      const auto of_queries = [&](const buffer& values) {
        return nn::heads<T>({head(values, chunk_, D, b, 0, slot), s.count, D}, heads(), query_apart);
      };
      const nn::heads<T> p({head(m.p, chunk_, padded, b, 0, slot), s.count, keys, padded}, heads(),
                           std::ptrdiff_t{chunk_} * padded);
      const nn::heads<T> out_bar({attended_bar.row(s.row * batch_ + b), s.count, D, batch_ * C}, heads(), D);
      nn::attention_backward<T>(of_queries(m.q), of_keys(m.k, b, keys), of_keys(m.v, b, keys), s.token, p, out_bar,
                                of_queries(q_bar_), of_keys(m.k_bar, b, keys), of_keys(m.v_bar, b, keys), s.every);
    }
  }
}

template<class T>
void gpt2_pass<T>::merge_heads_backward(int layer, const range& r) {
  block_memory& m = memory(layer);
  const int C = width(), D = head_width();
  for (int b = 0; b < batch_; ++b) {
    for (int h = 0; h < heads(); ++h) {
      const T* q = head(q_bar_, chunk_, D, b, h, r.slot);
      const T* k = head(m.k_bar, tokens_, D, b, h, r.first);
      const T* v = head(m.v_bar, tokens_, D, b, h, r.first);
      for (int t = 0; t < r.count(); ++t) {
        T* to = qkv_.data() + static_cast<std::ptrdiff_t>(t * batch_ + b) * 3 * C + h * D;
        if (t < r.query_count()) copy_head(q + t * D, D, to);
        copy_head(k + t * D, D, to + C);
        copy_head(v + t * D, D, to + 2 * C);
      }
    }
  }
}

// Adds the rows of queries to theirs among those of all tokens of a range.
template<class T>
void gpt2_pass<T>::add_query_rows(const range& r, view<const T> queries, view<T> all) const {
  for (const stretch& s : stretches(r)) {
    for (int i = 0; i < s.count * batch_; ++i) {
      const int token = s.token + s.every * (i / batch_) - r.first;
      const T* from = queries.row(s.row * batch_ + i);
      T* to = all.row(token * batch_ + i % batch_);
      for (int j = 0; j < all.columns; ++j) to[j] += from[j];
    }
  }
}

// n1 = norm(x), (q, k, v) = n1·W_attn + b_attn
template<class T>
void gpt2_pass<T>::project_backward(std::span<const T> parameters, int layer, const range& r, std::span<T> gradient) {
  block_memory& m = memory(layer);
  const gpt2_block_offsets& o = layout_.blocks[static_cast<std::size_t>(layer)];
  const int C = width(), n = r.count() * batch_, queries = r.query_count() * batch_;
  const view<const T> n1 = rows(m.n1, r.first, r.count(), C), weight(at(transposed_, o.c_attn_weight), 3 * C, C);
  const view<T> bar(qkv_.data(), n, 3 * C), n1_bar(narrow_bar_.data(), n, C);
  const view<T> weight_bar(gradient.data() + o.c_attn_weight, C, 3 * C);
  T* bias_bar = gradient.data() + o.c_attn_bias;
  const auto columns = [&](int from, int count, view<const T> x, view<const T> part, T beta, view<T> x_bar) {
    nn::linear_backward_weights<T>(x, part, transpose::no, weight_bar.block(0, from, C, count), bias_bar + from);
    nn::linear_backward_input<T>(part, weight.block(from, 0, count, C), transpose::yes, beta, x_bar);
  };
  if (queries == n) {
    columns(0, 3 * C, n1, bar, 0, n1_bar);
  } else {
    columns(C, 2 * C, n1, bar.block(0, C, n, 2 * C), 0, n1_bar);
    const view<const T> part = bar.block(0, 0, queries, C);
    if (r.prefixes > 0) {
      const view<T> apart(wide_bar_.data(), queries, C);
      columns(0, C, of_queries(r, n1), part, 0, apart);
      add_query_rows(r, apart, n1_bar);
    } else if (queries > 0) {
      columns(0, C, of_queries(r, n1), part, 1, n1_bar.block(n - queries, 0, queries, C));
    }
  }
  nn::layer_norm_backward<T>(residual(layer, r.first, r.count()), at(parameters, o.ln_1_weight),
                             m.mean1.data() + r.first * batch_, m.scale1.data() + r.first * batch_, n1_bar,
                             rows(x_bar_, r.first, r.count(), C), gradient.data() + o.ln_1_weight,
                             gradient.data() + o.ln_1_bias);
}

// x = z·W_inᵀ + b_in + position
template<class T>
void gpt2_pass<T>::embed_backward(std::span<const T> parameters, const range& r, std::span<T> gradient) {
  const int C = width();
  const view<const T> x_bar = rows(x_bar_, r.first, r.count(), C);
  nn::linear_backward_weights<T>(rows(input_, r.first, r.count(), channels()), x_bar, transpose::yes,
                                 {gradient.data() + layout_.read_in_weight, C, channels()},
                                 gradient.data() + layout_.read_in_bias);
  for (int t = r.first; t < r.last; ++t) {
    const std::ptrdiff_t row = position(t);
    if (row < 0) continue;
    T* position_bar = gradient.data() + layout_.wpe_weight + row * C;
    const view<const T> token_rows = rows(x_bar_, t, 1, C);
    for (int b = 0; b < batch_; ++b) {
      for (int j = 0; j < C; ++j) position_bar[j] += token_rows.row(b)[j];
    }
  }
  const int from = std::max(r.first, prompt_tokens_);
  if (from >= r.last) return;
  nn::linear_backward_input<T>(rows(x_bar_, from, r.last - from, C),
                               {at(parameters, layout_.read_in_weight), C, channels()}, transpose::yes, 0,
                               rows(token_bar_, from - prompt_tokens_, r.last - from, channels()));
}

#define COTSCALE_INSTANTIATE(T)                                                          \
  template void transpose_maps<T>(const gpt2_layout&, std::span<const T>, std::span<T>); \
  template void gpt2_pass<T>::start_backward(std::span<const T>);                        \
  template void gpt2_pass<T>::backward(std::span<const T>, int, int, std::span<T>);
COTSCALE_INSTANTIATE(float)
COTSCALE_INSTANTIATE(double)
#undef COTSCALE_INSTANTIATE

}  // namespace cotscale
