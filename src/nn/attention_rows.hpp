// The parts of attention that are not products of matrices, row by row.
#pragma once

namespace cotscale::nn::detail {

/// s ← softmax(scale·s) over the first `count` numbers, then zeros up to `zeros`, which is not below `count` rounded up
/// to whole lanes: those are written meanwhile. All of it is NaN if a score is NaN or ∞, or if every one is −∞.
template<class T>
void softmax_row(T scale, int count, int zeros, T* s);

/// ds ← scale·p∘(dp − ⟨p, dp⟩) in the place of dp, (count).
template<class T>
void softmax_row_backward(T scale, int count, const T* p, T* dp);

/// s_j = ⟨q, k_j⟩: q (width), k (count, width), s (count).
template<class T>
void scores_of_row(int count, int width, const T* q, const T* k, T* s);

/// out = Σ_j p_j v_j: p (count), v (count, width), out (width).
template<class T>
void mean_of_rows(int count, int width, const T* p, const T* v, T* out);

/// dk_j += ds_j q: ds (count), q (width), dk (count, width).
template<class T>
void add_to_rows(int count, int width, const T* ds, const T* q, T* dk);

}  // namespace cotscale::nn::detail
