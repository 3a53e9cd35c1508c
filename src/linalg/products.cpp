#include "cotscale/linalg/products.hpp"

#ifdef COTSCALE_HAS_LIBXSMM
#include <libxsmm.h>
#endif

#include <algorithm>
#include <type_traits>
#include <vector>

#include "cotscale/base/error.hpp"
#include "gemm.hpp"

namespace cotscale {
namespace {

// Measured (tests/bench/products.cpp): parts of so many rows, steps in depth and columns keep what is read again in the
// nearest caches.
constexpr int worth_copies = 64;  // rows, at least, for which copies of what they are multiplied with pay
constexpr int row_part = 96, column_part = 64, depth_part = 256, transposed_depth_part = 128;

template<class T>
using kernel = void (*)(const T*, const T*, T*, ...);

template<class T>
T* scratch(int which, std::size_t size) {
  thread_local std::array<line_vector<T>, 2> memory;
  auto& out = memory.at(static_cast<std::size_t>(which));
  if (out.size() < size) out.resize(size);
  return out.data();
}

template<class T>
bool is_page_apart(int stride) {
  constexpr std::size_t page = 4096;
  return static_cast<std::size_t>(stride) * sizeof(T) % page == 0;
}

// Rows whose distance is a multiple of a page share few places in the nearest cache, and drive each other out.
template<class T>
bool is_crowded(int rows, int stride) {
  return rows > 8 && is_page_apart<T>(stride);
}

template<class T>
int spread_stride(int columns) {
  constexpr int line = 64 / sizeof(T);
  const int whole = (columns + line - 1) / line * line;
  return is_page_apart<T>(whole) ? whole + line : whole;
}

template<class T>
const T* spread(view<const T> from, int stride, T* to) {
  for (int i = 0; i < from.rows; ++i)
    std::copy_n(from.row(i), from.columns, to + static_cast<std::ptrdiff_t>(i) * stride);
  return to;
}

#ifdef COTSCALE_HAS_LIBXSMM

// LIBXSMM's matrices stand column by column: what is (rows, columns) here is transposed there, and factors change
// places.
template<class T>
kernel<T> kernel_of(int rows, int depth, int columns, int stride_a, transpose op_a, int stride_b, int stride_c,
                    bool add) {
  const T one = 1, beta = add ? T{1} : T{0};
  const int flags = op_a == transpose::yes ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  const int prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
  if constexpr (std::is_same_v<T, float>) {
    return libxsmm_smmdispatch(columns, rows, depth, &stride_b, &stride_a, &stride_c, &one, &beta, &flags, &prefetch);
  } else {
    return libxsmm_dmmdispatch(columns, rows, depth, &stride_b, &stride_a, &stride_c, &one, &beta, &flags, &prefetch);
  }
}

#else

template<class T>
kernel<T> kernel_of(int, int, int, int, transpose, int, int, bool) {
  return nullptr;
}

#endif

}  // namespace

template<class T>
product_shape shape_of(view<const T> a, transpose op_a, view<const T> b, transpose op_b, view<T> c, bool add) {
  const bool a_turned = op_a == transpose::yes, b_turned = op_b == transpose::yes;
  const int inner = a_turned ? a.rows : a.columns;
  expects(c.rows == (a_turned ? a.columns : a.rows) && c.columns == (b_turned ? b.rows : b.columns) &&
              inner == (b_turned ? b.columns : b.rows) && a.stride >= a.columns && b.stride >= b.columns &&
              c.stride >= c.columns,
          "multiply: views ({}, {}) and ({}, {}) do not make ({}, {})", a.rows, a.columns, b.rows, b.columns, c.rows,
          c.columns);
  return {.rows = c.rows,
          .depth = inner,
          .columns = c.columns,
          .stride_a = a.stride,
          .stride_b = b.stride,
          .stride_c = c.stride,
          .op_a = op_a,
          .op_b = op_b,
          .add = add};
}

template<class T>
typename shaped_product<T>::parts shaped_product<T>::divided(int whole, int most) {
  const int count = (whole + most - 1) / most;
  const int size = count > 0 ? (whole + count - 1) / count : 0;
  return {.size = size, .count = count, .last = whole - (count - 1) * size};
}

template<class T>
shaped_product<T>::shaped_product(const product_shape& shape) : shape_(shape) {
  const product_shape& s = shape;
  const bool a_turned = s.op_a == transpose::yes, b_turned = s.op_b == transpose::yes;
  expects(s.rows >= 0 && s.depth >= 0 && s.columns >= 0 && s.stride_a >= (a_turned ? s.rows : s.depth) &&
              s.stride_b >= (b_turned ? s.depth : s.columns) && s.stride_c >= s.columns,
          "shaped_product: ({}, {}) of stride {} and ({}, {}) of stride {}, into stride {}", s.rows, s.depth,
          s.stride_a, s.depth, s.columns, s.stride_b, s.stride_c);
  if (s.rows == 0 || s.columns == 0 || s.depth == 0) return;
  rows_ = divided(s.rows, row_part);
  depth_ = divided(s.depth, a_turned ? transposed_depth_part : depth_part);
  columns_.count = (s.columns + column_part - 1) / column_part;
  columns_.size = column_part;
  columns_.last = s.columns - (columns_.count - 1) * column_part;
  copies_a_ = a_turned && is_crowded<T>(s.depth, s.stride_a);
  copies_b_ = b_turned || (s.rows >= worth_copies && is_crowded<T>(s.depth, s.stride_b));
  stride_a_ = copies_a_ ? spread_stride<T>(s.rows) : s.stride_a;
  stride_b_ = copies_b_ ? spread_stride<T>(s.columns) : s.stride_b;
  make_kernels();
}

template<class T>
std::size_t shaped_product<T>::place(bool first_in_depth, bool last_rows, bool last_in_depth, bool last_columns) {
  return (first_in_depth ? 8U : 0U) + (last_rows ? 4U : 0U) + (last_in_depth ? 2U : 0U) + (last_columns ? 1U : 0U);
}

// Those that occur only: each is generated once in the life of the program.
template<class T>
void shaped_product<T>::make_kernels() {
  const auto from = [](const parts& p) { return p.count == 1 ? 1 : 0; };
  for (const bool first : {true, false}) {
    if (!first && depth_.count == 1) continue;
    for (int r = from(rows_); r < 2; ++r) {
      for (int k = from(depth_); k < 2; ++k) {
        for (int c = from(columns_); c < 2; ++c) {
          const function made = kernel_of<T>(r == 1 ? rows_.last : rows_.size, k == 1 ? depth_.last : depth_.size,
                                             c == 1 ? columns_.last : columns_.size, stride_a_, shape_.op_a, stride_b_,
                                             shape_.stride_c, shape_.add || !first);
          kernels_[place(first, r == 1, k == 1, c == 1)] = made;
          if (made == nullptr) return kernels_.fill(nullptr);
        }
      }
    }
  }
  generated_ = true;
}

template<class T>
const T* shaped_product<T>::part_of_a(const T* a, int at, int depth) const {
  if (shape_.op_a == transpose::no) return a + at;
  const T* rows = a + static_cast<std::ptrdiff_t>(at) * shape_.stride_a;
  if (!copies_a_) return rows;
  return spread<T>({rows, depth, shape_.rows, shape_.stride_a}, stride_a_,
                   scratch<T>(0, static_cast<std::size_t>(depth) * static_cast<std::size_t>(stride_a_)));
}

template<class T>
const T* shaped_product<T>::part_of_b(const T* b, int at, int depth) const {
  const T* rows = b + (shape_.op_b == transpose::yes ? at : static_cast<std::ptrdiff_t>(at) * shape_.stride_b);
  if (!copies_b_) return rows;
  T* memory = scratch<T>(1, static_cast<std::size_t>(depth) * static_cast<std::size_t>(stride_b_));
  if (shape_.op_b == transpose::no) return spread<T>({rows, depth, shape_.columns, shape_.stride_b}, stride_b_, memory);
  transpose_into<T>({rows, shape_.columns, depth, shape_.stride_b}, {memory, depth, shape_.columns, stride_b_});
  return memory;
}

template<class T>
void shaped_product<T>::operator()(const T* a, const T* b, T* c, const beginning<T>& begin) const {
  expects(shape_.add && begin.bias != nullptr, "shaped_product: a beginning of what is not added to, or without bias");
  run(a, b, c, &begin);
}

template<class T>
void shaped_product<T>::begin_rows(const beginning<T>& begin, int first, int count, T* c) const {
  for (int i = 0; i < count; ++i) {
    T* to = c + static_cast<std::ptrdiff_t>(i) * shape_.stride_c;
    if (begin.residual == nullptr) {
      std::copy_n(begin.bias, shape_.columns, to);
      continue;
    }
    const T* from = begin.residual + static_cast<std::ptrdiff_t>(first + i) * begin.stride;
    for (int j = 0; j < shape_.columns; ++j) to[j] = from[j] + begin.bias[j];
  }
}

template<class T>
void shaped_product<T>::run(const T* a, const T* b, T* c, const beginning<T>* begin) const {
  if (shape_.rows == 0 || shape_.columns == 0) return;
  if (!generated_) {
    if (begin != nullptr) begin_rows(*begin, 0, shape_.rows, c);
    return detail::gemm<T>(1, shape_, a, b, shape_.add ? T{1} : T{0}, c);
  }
  const int a_step = rows_.size * (shape_.op_a == transpose::yes ? 1 : stride_a_);
  for (int k = 0; k < depth_.count; ++k) {
    const int at = k * depth_.size, depth = depth_.of(k);
    const T* b_part = part_of_b(b, at, depth);
    const T* a_rows = part_of_a(a, at, depth);
    T* c_rows = c;
    for (int i = 0; i < rows_.count; ++i) {
      if (k == 0 && begin != nullptr) begin_rows(*begin, i * rows_.size, rows_.of(i), c_rows);
      for (int j = 0; j < columns_.count; ++j) {
        const function multiply_part =
            kernels_[place(k == 0, i + 1 == rows_.count, k + 1 == depth_.count, j + 1 == columns_.count)];
        multiply_part(b_part + j * column_part, a_rows, c_rows + j * column_part);
      }
      a_rows += a_step;
      c_rows += static_cast<std::ptrdiff_t>(rows_.size) * shape_.stride_c;
    }
  }
}

template<class T>
void transpose_into(view<const T> in, view<T> out) {
  expects(out.rows == in.columns && out.columns == in.rows, "transpose_into: ({}, {}) into ({}, {})", in.rows,
          in.columns, out.rows, out.columns);
  if (in.rows == 0 || in.columns == 0) return;
#ifdef COTSCALE_HAS_LIBXSMM
  libxsmm_otrans(out.data, in.data, sizeof(T), in.columns, in.rows, in.stride, out.stride);
#else
  for (int j = 0; j < in.columns; ++j) {
    for (int i = 0; i < in.rows; ++i) out.row(j)[i] = in.row(i)[j];
  }
#endif
}

std::string products_library() {
#ifdef COTSCALE_HAS_LIBXSMM
  const int line = 16;
  if (kernel_of<float>(line, line, line, line, transpose::no, line, line, false) != nullptr) {
    return fmt::format("LIBXSMM {} ({})", LIBXSMM_VERSION, libxsmm_get_target_arch());
  }
#endif
  return "OpenBLAS";
}

#define COTSCALE_INSTANTIATE(T)                                                                          \
  template product_shape shape_of<T>(view<const T>, transpose, view<const T>, transpose, view<T>, bool); \
  template class shaped_product<T>;                                                                      \
  template void transpose_into<T>(view<const T>, view<T>);
COTSCALE_INSTANTIATE(float)
COTSCALE_INSTANTIATE(double)
#undef COTSCALE_INSTANTIATE

}  // namespace cotscale
