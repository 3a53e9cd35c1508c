// Causal softmax attention of a prompt's heads. (Vaswani et al., arXiv 1706.03762)
#pragma once

#include <concepts>
#include <cstddef>

#include "cotscale/nn/linear.hpp"

namespace cotscale::nn {

inline constexpr int attention_lane = 16;

/// Rows of probabilities begin at multiples of this many numbers.
inline int padded_to_lanes(int count) { return (count + attention_lane - 1) / attention_lane * attention_lane; }

/// Matrices of one shape, those of a prompt's heads: each begins `apart` numbers after the one before.
template<class T>
struct heads {
  view<T> first;
  int count = 1;
  std::ptrdiff_t apart = 0;

  heads(view<T> first_of_all, int how_many, std::ptrdiff_t distance)
      : first(first_of_all), count(how_many), apart(distance) {}
  template<class U>
  requires std::convertible_to<view<U>, view<T>> heads(view<U> lone) : first(lone) {}
  template<class U>
  requires std::convertible_to<view<U>, view<T>> heads(const heads<U>& other)
      : first(other.first), count(other.count), apart(other.apart) {}

  view<T> operator[](int h) const { return {first.data + h * apart, first.rows, first.columns, first.stride}; }
};

template<class T>
using input_heads = heads<const std::type_identity_t<T>>;

/// Query i is that of token t_i = first + every·i, keys and values are those of all tokens up to the last query's:
///   p_i = softmax_{s ≤ t_i}(⟨q_i, k_s⟩/√D), out_i = Σ_s p_is v_s.
/// For each head q, out (Q, D); k, v (S, D), dense, with S = t_{Q−1} + 1; p (Q, S), its stride a multiple of
/// attention_lane, which heads may share where nobody asks for it later; beyond s = t_i it is zero, up to the stride:
/// attention_backward() relies on it.
template<class T>
void attention(input_heads<T> q, input_heads<T> k, input_heads<T> v, int first, heads<T> p, heads<T> out,
               int every = 1);

/// From p as attention() left it and dout (Q, D): dq is overwritten, dk and dv (S, D) are added to.
template<class T>
void attention_backward(input_heads<T> q, input_heads<T> k, input_heads<T> v, int first, input_heads<T> p,
                        input_heads<T> dout, heads<T> dq, heads<T> dk, heads<T> dv, int every = 1);

}  // namespace cotscale::nn
