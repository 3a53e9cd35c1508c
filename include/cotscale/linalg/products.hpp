// Products of one shape, done many times: LIBXSMM's kernels, generated for that shape, or OpenBLAS.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "cotscale/linalg/blas.hpp"

namespace cotscale {

/// Memory that begins at a cache line.
template<class T>
using line_vector = std::vector<T, detail::line_allocator<T>>;

/// c = op(a)·op(b), or c += op(a)·op(b), of row-major blocks: op(a) (rows, depth), op(b) (depth, columns), c (rows,
/// columns), and from one row of a, b and c to the next so many numbers.
struct product_shape {
  int rows = 0, depth = 0, columns = 0;
  int stride_a = 0, stride_b = 0, stride_c = 0;
  transpose op_a = transpose::no, op_b = transpose::no;
  bool add = false;
};

/// Of c = op(a)·op(b) or c += op(a)·op(b). Throws precondition_error unless the shapes fit.
template<class T>
product_shape shape_of(view<const T> a, transpose op_a, view<const T> b, transpose op_b, view<T> c, bool add);

/// What rows of c are before a product is added to them: bias (columns), or residual (rows, columns) + bias.
template<class T>
struct beginning {
  const T* bias = nullptr;
  const T* residual = nullptr;
  int stride = 0;  // of the residual
};

/// The bits of a product depend on its shape, its numbers and the kind of CPU, and on nothing else. Any number of
/// threads may use one at once.
template<class T>
class shaped_product {
 public:
  explicit shaped_product(const product_shape& shape);

  void operator()(const T* a, const T* b, T* c) const { run(a, b, c, nullptr); }

  /// Of a shape that adds: c, whatever it was, begins as it is told, part by part just before the part is computed.
  void operator()(const T* a, const T* b, T* c, const beginning<T>& begin) const;

 private:
  // Equal parts of a dimension, of which the last may be smaller.
  struct parts {
    int size = 0, count = 0, last = 0;
    int of(int i) const { return i + 1 == count ? last : size; }
  };
  using function = void (*)(const T*, const T*, T*, ...);

  static parts divided(int whole, int most);
  static std::size_t place(bool first_in_depth, bool last_rows, bool last_in_depth, bool last_columns);
  void make_kernels();
  void run(const T* a, const T* b, T* c, const beginning<T>* begin) const;
  void begin_rows(const beginning<T>& begin, int first, int count, T* c) const;
  const T* part_of_a(const T* a, int at, int depth) const;
  const T* part_of_b(const T* b, int at, int depth) const;

  product_shape shape_;
  bool copies_a_ = false, copies_b_ = false;  // part by part, b as rows of op(b)
  int stride_a_ = 0, stride_b_ = 0;           // as kernels see a and b
  parts rows_, depth_, columns_;
  std::array<function, 16> kernels_{};  // by place()
  bool generated_ = false;              // else the product is OpenBLAS's
};

/// out (c, r) = inᵀ from in (r, c); no overlap.
template<class T>
void transpose_into(view<const T> in, view<T> out);

/// What computes the products above, as recorded in results files: "LIBXSMM 1.17 (clx)", or "OpenBLAS".
std::string products_library();

}  // namespace cotscale
