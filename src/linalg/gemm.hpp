// OpenBLAS's product of a shape, in either precision.
#pragma once

#include <cblas.h>

#include <algorithm>

#include "cotscale/linalg/products.hpp"

namespace cotscale::detail {

inline CBLAS_TRANSPOSE flag(transpose op) { return op == transpose::yes ? CblasTrans : CblasNoTrans; }

/// c = alpha·op(a)·op(b) + beta·c; `add` of the shape does not count.
template<class T>
void gemm(T alpha, const product_shape& s, const T* a, const T* b, T beta, T* c) {
  const int stride_a = std::max(1, s.stride_a), stride_b = std::max(1, s.stride_b);
  if constexpr (sizeof(T) == sizeof(float)) {
    cblas_sgemm(CblasRowMajor, flag(s.op_a), flag(s.op_b), s.rows, s.columns, s.depth, alpha, a, stride_a, b, stride_b,
                beta, c, s.stride_c);
  } else {
    cblas_dgemm(CblasRowMajor, flag(s.op_a), flag(s.op_b), s.rows, s.columns, s.depth, alpha, a, stride_a, b, stride_b,
                beta, c, s.stride_c);
  }
}

}  // namespace cotscale::detail
