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

// The last block has queries at weight tokens only.
template<class T>
typename gpt2_pass<T>::range gpt2_pass<T>::range_of(int layer, int first, int last) const {
  const int queries = layer + 1 < layers() ? first : std::clamp(prompt_tokens_, first, last);
  return {.first = first, .queries = queries, .last = last};
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

// The residual stream before a block, or behind the last one, where there are weight tokens only.
template<class T>
view<T> gpt2_pass<T>::residual(int layer, int t, int count) {
  if (layer == layers()) return rows(x_, t - prompt_tokens_, count, width());
  return rows(memory(layer).x, stored(t), count, width());
}

}  // namespace cotscale
