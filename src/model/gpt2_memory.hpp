// Where gpt2_pass keeps what; for its two source files, forward and backward.
#pragma once

#include <algorithm>
#include <cstring>

#include "cotscale/model/gpt2_pass.hpp"

namespace cotscale {

// A row of a head; of constant length where it is a usual one, so that it is a few vectors and not a call.
template<class T>
void copy_head(const T* from, int width, T* to) {
  switch (width) {
    case 16:
      std::memcpy(to, from, 16 * sizeof(T));
      return;
    case 32:
      std::memcpy(to, from, 32 * sizeof(T));
      return;
    default:
      std::memcpy(to, from, static_cast<std::size_t>(width) * sizeof(T));
  }
}

// The last block has queries where something is read out only.
template<class T>
typename gpt2_pass<T>::range gpt2_pass<T>::range_of(int layer, int first, int last) const {
  range out{.first = first, .queries = first, .last = last, .prefixes = 0, .slot = stored(first), .output = 0};
  if (layer + 1 < layers()) return out;
  out.queries = std::clamp(prompt_tokens_, first, last);
  out.slot = stored(out.queries);
  out.output = out.queries - prompt_tokens_;
  if (prefixes_ == 0) return out;
  // Of t tokens t/2 are labels, as long as there are examples.
  out.prefixes = out.queries / 2 - std::min(first, out.queries) / 2;
  out.slot = out.output = std::min(first, prompt_tokens_) / 2 + std::max(0, first - prompt_tokens_);
  return out;
}

// Labels, then weight tokens; either may be none.
template<class T>
std::array<typename gpt2_pass<T>::stretch, 2> gpt2_pass<T>::stretches(const range& r) const {
  return {{{.token = r.first | 1, .every = 2, .count = r.prefixes, .row = 0},
           {.token = r.queries, .every = 1, .count = r.last - r.queries, .row = r.prefixes}}};
}

// Tokens t … t + count − 1 of all prompts.
template<class T>
view<T> gpt2_pass<T>::rows(const buffer& values, int t, int count, int columns) const {
  const auto offset = static_cast<std::ptrdiff_t>(t) * batch_ * columns;
  return {const_cast<T*>(values.data()) + offset, count * batch_, columns};
}

// Token t of head h of prompt b in (B, H, capacity, columns).
template<class T>
T* gpt2_pass<T>::head(const buffer& values, int capacity, int columns, int b, int h, int t) const {
  const auto row = (static_cast<std::ptrdiff_t>(b) * heads() + h) * capacity + t;
  return const_cast<T*>(values.data()) + row * columns;
}

// The residual stream before a block.
template<class T>
view<T> gpt2_pass<T>::residual(int layer, int t, int count) {
  return rows(memory(layer).x, stored(t), count, width());
}

// And behind it, of the tokens that have queries.
template<class T>
view<T> gpt2_pass<T>::behind(int layer, const range& r) {
  if (layer + 1 == layers()) return rows(x_, r.output, r.query_count(), width());
  return residual(layer + 1, r.queries, r.query_count());
}

// The rows of queries among those of all tokens of a range: a part of them, or a copy in gathered_.
template<class T>
view<const T> gpt2_pass<T>::of_queries(const range& r, view<const T> all) {
  const int C = width();
  if (r.prefixes == 0) return all.block((r.queries - r.first) * batch_, 0, r.query_count() * batch_, C);
  for (const stretch& s : stretches(r)) {
    for (int i = 0; i < s.count; ++i) {
      const T* from = all.row((s.token + s.every * i - r.first) * batch_);
      std::copy_n(from, static_cast<std::ptrdiff_t>(batch_) * C, rows(gathered_, s.row + i, 1, C).data);
    }
  }
  return rows(gathered_, 0, r.query_count(), C);
}

}  // namespace cotscale
