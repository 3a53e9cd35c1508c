// Matrix products on OpenBLAS, and the scope that says how many threads it may use.
#pragma once

#include <span>
#include <string>

#include "cotscale/linalg/matrix.hpp"

namespace cotscale {

enum class transpose : bool { no, yes };

/// c = alpha·op(a)·op(b) + beta·c; c has its shape already, and is neither a nor b. (dgemm)
void multiply(double alpha, const matrix& a, transpose op_a, const matrix& b, transpose op_b, double beta, matrix& c);

/// a·b.
matrix product(const matrix& a, const matrix& b);

/// y = alpha·a·x + beta·y; x has a.columns(), y a.rows() elements. (dgemv)
void multiply(double alpha, const matrix& a, std::span<const double> x, double beta, std::span<double> y);

/// y = alpha·aᵀ·x + beta·y; x has a.rows(), y a.columns() elements. (dgemv)
void multiply_transposed(double alpha, const matrix& a, std::span<const double> x, double beta, std::span<double> y);

/// s = scale·x·xᵀ, (d, d) and exactly symmetric, from x of shape (d, m). (dsyrk)
void gram(double scale, const matrix& x, matrix& s);

/// Replaces each row x of b (k, s) by the solution y of L y = x or, transposed, Lᵀ y = x, where L is the lower triangle
/// of the first s rows of `a`, which has at least s columns and may have more of both. (dtrsm, for one row dtrsv)
void solve_lower(const matrix& a, transpose op, matrix& b);

/// A row-major block (rows, columns) in somebody else's memory, `stride` numbers from one row to the next.
template<class T>
struct view {
  T* data = nullptr;
  int rows = 0;
  int columns = 0;
  int stride = 0;

  view(T* values, int row_count, int column_count, int row_stride)
      : data(values), rows(row_count), columns(column_count), stride(row_stride) {}
  view(T* values, int row_count, int column_count) : view(values, row_count, column_count, column_count) {}
  operator view<const T>() const { return {data, rows, columns, stride}; }

  T* row(int i) const { return data + static_cast<std::ptrdiff_t>(i) * stride; }
  view block(int i, int j, int row_count, int column_count) const {
    return {row(i) + j, row_count, column_count, stride};
  }
};

/// c = alpha·op(a)·op(b) + beta·c; c overlaps neither a nor b. (shaped_product where alpha is 1 and beta 0 or 1; else
/// sgemm, dgemm)
void multiply(float alpha, view<const float> a, transpose op_a, view<const float> b, transpose op_b, float beta,
              view<float> c);
void multiply(double alpha, view<const double> a, transpose op_a, view<const double> b, transpose op_b, double beta,
              view<double> c);

/// Euclidean and Frobenius norm, safe against overflow. (dnrm2)
double norm(std::span<const double> x);
double frobenius_norm(const matrix& a);

/// ⟨a, b⟩ = tr(a bᵀ), shapes equal. (ddot)
double inner(const matrix& a, const matrix& b);

/// While it lives, BLAS calls outside of parallel regions use this many threads. One is the rule: the bits of a product
/// depend on it.
class blas_threads {
 public:
  explicit blas_threads(int count);
  ~blas_threads();
  blas_threads(const blas_threads&) = delete;
  blas_threads& operator=(const blas_threads&) = delete;
  blas_threads(blas_threads&&) = delete;
  blas_threads& operator=(blas_threads&&) = delete;

 private:
  int previous_;
};

/// Throws specification_error, saying how to mend it, unless the OpenBLAS that was loaded is the OpenMP build.
void require_openmp_blas();

/// Under a limit on address space (ulimit -v): takes the buffers that OpenBLAS needs for so many threads now, since it
/// asks for ever where there is no room later. Throws specification_error if there is none now.
void require_blas_buffers(int threads);

std::string blas_configuration();
std::string blas_core_name();

}  // namespace cotscale
