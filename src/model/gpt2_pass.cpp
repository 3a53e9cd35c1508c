#include "cotscale/model/gpt2_pass.hpp"

#include <algorithm>

#include "cotscale/base/error.hpp"
#include "cotscale/nn/attention.hpp"
#include "cotscale/nn/gelu.hpp"
#include "cotscale/nn/layer_norm.hpp"
#include "gpt2_memory.hpp"

namespace cotscale {

template<class T>
gpt2_pass<T>::gpt2_pass(const gpt2_layout& layout, keep what) : layout_(layout), what_(what) {
  blocks_.resize(static_cast<std::size_t>(layers()));
}

template<class T>
void gpt2_pass<T>::start(int batch, int prompt_tokens, int weight_tokens, read where) {
  const gpt2_configuration& c = layout_.configuration();
  expects(batch >= 1 && prompt_tokens >= 0 && prompt_tokens % 2 == 0 && weight_tokens >= 1 &&
              c.takes(prompt_tokens / 2, weight_tokens) && (where == read::weights || what_ == keep::all),
          "gpt2_pass: batch = {}, {} prompt tokens, {} weight tokens, for {} examples and chains of {}", batch,
          prompt_tokens, weight_tokens, c.examples, c.chain);
  batch_ = batch;
  prompt_tokens_ = prompt_tokens;
  tokens_ = prompt_tokens + weight_tokens;
  prefixes_ = where == read::prefixes ? prompt_tokens / 2 : 0;
  chunk_ = what_ == keep::all ? tokens_ : std::clamp(rows_of_chunk / batch, 1, tokens_);
  done_ = 0;
  allocate();
  fix_positions();
}

template<class T>
int gpt2_pass<T>::position(int t) const {
  const gpt2_configuration& c = layout_.configuration();
  if (t < prompt_tokens_) return c.positions == example_positions::learned ? t : -1;
  return c.example_rows() + (c.weights == weight_positions::own ? t - prompt_tokens_ : 0);
}

template<class T>
void gpt2_pass<T>::fix_positions() {
  const example_positions kind = layout_.configuration().positions;
  if (kind == example_positions::learned) return;
  const auto C = static_cast<std::size_t>(width());
  const std::size_t there = fixed_.size() / C, wanted = static_cast<std::size_t>(prompt_tokens_);
  if (there >= wanted) return;
  fixed_.resize(wanted * C);
  if (kind == example_positions::none) return;
  for (std::size_t t = there; t < wanted; ++t) {
    sinusoidal_position<T>(static_cast<int>(t), std::span(fixed_).subspan(t * C, C));
  }
}

template<class T>
void gpt2_pass<T>::allocate() {
  const auto size = [](auto... factors) { return (std::size_t{1} * ... * static_cast<std::size_t>(factors)); };
  const auto grow = [](buffer& b, std::size_t n) {
    if (b.size() < n) b.resize(n);
  };
  const bool all = what_ == keep::all;
  const int C = width(), padded = nn::padded_to_lanes(tokens_), outputs = prefixes_ + tokens_ - prompt_tokens_;
  const std::size_t rows = size(chunk_, batch_);
  for (int layer = 0; layer < layers(); ++layer) {
    block_memory& m = blocks_[static_cast<std::size_t>(layer)];
    for (buffer* b : {&m.k, &m.v}) grow(*b, size(tokens_, batch_, C));
    if (all) {
      for (buffer* b : {&m.k_bar, &m.v_bar}) grow(*b, size(tokens_, batch_, C));
    }
    if (!all && layer > 0) continue;
    for (buffer* b : {&m.x, &m.n1, &m.q, &m.attended, &m.middle, &m.n2}) grow(*b, rows * size(C));
    for (buffer* b : {&m.mean1, &m.scale1, &m.mean2, &m.scale2}) grow(*b, rows);
    grow(m.up, rows * size(4, C));
    grow(m.p, all ? size(batch_, heads(), tokens_, padded) : size(chunk_, padded));
  }
  grow(input_, size(tokens_, batch_, channels()));
  for (buffer* b : {&x_, &normalised_}) grow(*b, size(outputs, batch_, C));
  for (buffer* b : {&mean_, &scale_}) grow(*b, size(outputs, batch_));
  grow(output_, size(outputs, batch_, d()));
  if (prefixes_ > 0) grow(gathered_, size(outputs, batch_, C));
  grow(qkv_, rows * size(3, C));
  grow(wide_, rows * size(4, C));
  if (!all) return;
  grow(wide_bar_, rows * size(4, C));
  for (buffer* b : {&narrow_bar_, &x_bar_, &q_bar_}) grow(*b, rows * size(C));
  grow(output_bar_, size(outputs, batch_, d()));
  grow(token_bar_, size(tokens_ - prompt_tokens_, batch_, channels()));
}

// ---- forward ----

template<class T>
void gpt2_pass<T>::forward(std::span<const T> parameters, int first, int last) {
  expects(first == done_ && first < last && last <= tokens_ && parameters.size() == layout_.size(),
          "gpt2_pass: tokens {} … {} after {} of {}, {} parameters", first, last, done_, tokens_, parameters.size());
  for (int t = first; t < last; t += chunk_) forward_chunk(parameters, t, std::min(t + chunk_, last));
  done_ = last;
}

template<class T>
void gpt2_pass<T>::forward_chunk(std::span<const T> parameters, int first, int last) {
  first_ = first;
  embed(parameters, range_of(0, first, last));
  for (int layer = 0; layer < layers(); ++layer) {
    const range r = range_of(layer, first, last);
    project(parameters, layer, r);
    if (r.query_count() == 0) return;
    attend(parameters, layer, r);
    feed_forward(parameters, layer, r);
  }
  read_out(parameters, range_of(layers() - 1, first, last));
}

// x = z·W_inᵀ + b_in + position
template<class T>
void gpt2_pass<T>::embed(std::span<const T> parameters, const range& r) {
  const int C = width();
  for (int t = r.first; t < r.last; ++t) {
    const std::ptrdiff_t row = position(t);
    const T* position_row =
        row < 0 ? fixed_.data() + std::ptrdiff_t{t} * C : at(parameters, layout_.wpe_weight) + row * C;
    const T* bias = at(parameters, layout_.read_in_bias);
    const view<T> x = residual(0, t, 1);
    for (int b = 0; b < batch_; ++b) {
      for (int j = 0; j < C; ++j) x.row(b)[j] = bias[j] + position_row[j];
    }
  }
  const view<const T> weight(at(parameters, layout_.read_in_weight), C, channels());
  multiply(T{1}, rows(input_, r.first, r.count(), channels()), transpose::no, weight, transpose::yes, T{1},
           residual(0, r.first, r.count()));
}

// n1 = norm(x), (q, k, v) = n1·W_attn + b_attn
template<class T>
void gpt2_pass<T>::project(std::span<const T> parameters, int layer, const range& r) {
  block_memory& m = memory(layer);
  const gpt2_block_offsets& o = layout_.blocks[static_cast<std::size_t>(layer)];
  const int C = width(), row = stored(r.first) * batch_;
  const view<T> n1 = rows(m.n1, stored(r.first), r.count(), C);
  nn::layer_norm<T>(residual(layer, r.first, r.count()), at(parameters, o.ln_1_weight), at(parameters, o.ln_1_bias),
                    m.mean1.data() + row, m.scale1.data() + row, n1);
  const view<const T> weight(at(parameters, o.c_attn_weight), C, 3 * C);
  const T* bias = at(parameters, o.c_attn_bias);
  const view<T> qkv(qkv_.data(), r.count() * batch_, 3 * C);
  if (r.query_count() == r.count()) {
    nn::linear<T>(n1, weight, transpose::no, bias, qkv);
  } else {
    nn::linear<T>(n1, weight.block(0, C, C, 2 * C), transpose::no, bias + C, qkv.block(0, C, qkv.rows, 2 * C));
    nn::linear<T>(of_queries(r, n1), weight.block(0, 0, C, C), transpose::no, bias,
                  qkv.block(0, 0, r.query_count() * batch_, C));
  }
  split_heads(layer, r);
}

template<class T>
void gpt2_pass<T>::split_heads(int layer, const range& r) {
  const int C = width(), D = head_width();
  for (int b = 0; b < batch_; ++b) {
    for (int h = 0; h < heads(); ++h) {
      T* q = head(memory(layer).q, chunk_, D, b, h, r.slot);
      T* k = head(cache(layer).k, tokens_, D, b, h, r.first);
      T* v = head(cache(layer).v, tokens_, D, b, h, r.first);
      for (int t = 0; t < r.count(); ++t) {
        const T* from = qkv_.data() + static_cast<std::ptrdiff_t>(t * batch_ + b) * 3 * C + h * D;
        if (t < r.query_count()) copy_head(from, D, q + t * D);
        copy_head(from + C, D, k + t * D);
        copy_head(from + 2 * C, D, v + t * D);
      }
    }
  }
}

// middle = x + attention(q, k, v)·W_proj + b_proj
template<class T>
void gpt2_pass<T>::attend(std::span<const T> parameters, int layer, const range& r) {
  block_memory& m = memory(layer);
  const gpt2_block_offsets& o = layout_.blocks[static_cast<std::size_t>(layer)];
  const int C = width(), D = head_width(), padded = nn::padded_to_lanes(tokens_);
  const view<T> attended = rows(m.attended, r.slot, r.query_count(), C);
  const std::ptrdiff_t query_apart = std::ptrdiff_t{chunk_} * D, key_apart = std::ptrdiff_t{tokens_} * D;
  for (int b = 0; b < batch_; ++b) {
    for (const stretch& s : stretches(r)) {
      if (s.count == 0) continue;
      const int slot = r.slot + s.row, keys = s.last() + 1;
      const bool kept = what_ == keep::all;
      const nn::heads<T> p({kept ? head(m.p, chunk_, padded, b, 0, slot) : m.p.data(), s.count, keys, padded}, heads(),
                           kept ? std::ptrdiff_t{chunk_} * padded : 0);
      const nn::heads<T> out({attended.row(s.row * batch_ + b), s.count, D, batch_ * C}, heads(), D);
      nn::attention<T>({{head(m.q, chunk_, D, b, 0, slot), s.count, D}, heads(), query_apart},
                       {{head(cache(layer).k, tokens_, D, b, 0, 0), keys, D}, heads(), key_apart},
                       {{head(cache(layer).v, tokens_, D, b, 0, 0), keys, D}, heads(), key_apart}, s.token, p, out,
                       s.every);
    }
  }
  nn::linear_residual<T>(attended, {at(parameters, o.attn_proj_weight), C, C}, at(parameters, o.attn_proj_bias),
                         of_queries(r, residual(layer, r.first, r.count())),
                         rows(m.middle, r.slot, r.query_count(), C));
}

// x' = middle + gelu(norm(middle)·W_fc + b_fc)·W_proj + b_proj
template<class T>
void gpt2_pass<T>::feed_forward(std::span<const T> parameters, int layer, const range& r) {
  block_memory& m = memory(layer);
  const gpt2_block_offsets& o = layout_.blocks[static_cast<std::size_t>(layer)];
  const int C = width(), t = r.slot, count = r.query_count();
  const view<T> middle = rows(m.middle, t, count, C), n2 = rows(m.n2, t, count, C), up = rows(m.up, t, count, 4 * C);
  const view<T> wide(wide_.data(), up.rows, 4 * C);
  const std::size_t size = static_cast<std::size_t>(up.rows) * static_cast<std::size_t>(up.columns);
  nn::layer_norm<T>(middle, at(parameters, o.ln_2_weight), at(parameters, o.ln_2_bias), m.mean2.data() + t * batch_,
                    m.scale2.data() + t * batch_, n2);
  nn::linear<T>(n2, {at(parameters, o.c_fc_weight), C, 4 * C}, transpose::no, at(parameters, o.c_fc_bias), up);
  nn::gelu<T>({up.data, size}, {wide.data, size});
  nn::linear_residual<T>(wide, {at(parameters, o.mlp_proj_weight), 4 * C, C}, at(parameters, o.mlp_proj_bias), middle,
                         behind(layer, r));
}

// output = norm(x)·W_outᵀ + b_out
template<class T>
void gpt2_pass<T>::read_out(std::span<const T> parameters, const range& r) {
  const int C = width(), i = r.output;
  const view<T> normalised = rows(normalised_, i, r.query_count(), C);
  nn::layer_norm<T>(behind(layers() - 1, r), at(parameters, layout_.ln_f_weight), at(parameters, layout_.ln_f_bias),
                    mean_.data() + i * batch_, scale_.data() + i * batch_, normalised);
  nn::linear<T>(normalised, {at(parameters, layout_.read_out_weight), d(), C}, transpose::yes,
                at(parameters, layout_.read_out_bias), rows(output_, i, r.query_count(), d()));
}

template class gpt2_pass<float>;
template class gpt2_pass<double>;

}  // namespace cotscale
