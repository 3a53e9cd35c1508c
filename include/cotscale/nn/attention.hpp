// Causal softmax attention of one head on one prompt. (Vaswani et al., arXiv 1706.03762)
#pragma once

#include "cotscale/nn/linear.hpp"

namespace cotscale::nn {

inline constexpr int attention_lane = 16;

/// Rows of probabilities begin at multiples of this many numbers.
inline int padded_to_lanes(int count) { return (count + attention_lane - 1) / attention_lane * attention_lane; }

/// Queries are those of tokens first … first + Q − 1, keys and values those of all tokens so far:
///   p_t = softmax_{s ≤ t}(⟨q_t, k_s⟩/√D), out_t = Σ_s p_ts v_s.
/// q, out (Q, D); k, v (first + Q, D); p (Q, first + Q), its stride a multiple of attention_lane; beyond s = t it is
/// zero, up to the stride: attention_backward() relies on it.
template<class T>
void attention(input<T> q, input<T> k, input<T> v, int first, view<T> p, view<T> out);

/// From p as attention() left it and dout (Q, D): dq is overwritten, dk and dv (first + Q, D) are added to.
template<class T>
void attention_backward(input<T> q, input<T> k, input<T> v, int first, input<T> p, input<T> dout, view<T> dq,
                        view<T> dk, view<T> dv);

}  // namespace cotscale::nn
