// Causal softmax attention of one head on one prompt. (Vaswani et al., arXiv 1706.03762)
#pragma once

#include "cotscale/nn/linear.hpp"

namespace cotscale::nn {

inline constexpr int attention_lane = 16;

/// Rows of probabilities begin at multiples of this many numbers.
inline int padded_to_lanes(int count) { return (count + attention_lane - 1) / attention_lane * attention_lane; }

/// Query i is that of token t_i = first + every·i, keys and values are those of all tokens up to the last query's:
///   p_i = softmax_{s ≤ t_i}(⟨q_i, k_s⟩/√D), out_i = Σ_s p_is v_s.
/// q, out (Q, D); k, v (S, D) with S = t_{Q−1} + 1; p (Q, S), its stride a multiple of attention_lane; beyond s = t_i
/// it is zero, up to the stride: attention_backward() relies on it.
template<class T>
void attention(input<T> q, input<T> k, input<T> v, int first, view<T> p, view<T> out, int every = 1);

/// From p as attention() left it and dout (Q, D): dq is overwritten, dk and dv (S, D) are added to.
template<class T>
void attention_backward(input<T> q, input<T> k, input<T> v, int first, input<T> p, input<T> dout, view<T> dq,
                        view<T> dk, view<T> dv, int every = 1);

}  // namespace cotscale::nn
