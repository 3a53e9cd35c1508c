#include "cotscale/linalg/blas.hpp"

#include <cblas.h>

#include <algorithm>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/products.hpp"
#include "gemm.hpp"

namespace cotscale {
namespace {

using detail::flag;

template<class T>
void multiply_views(T alpha, view<const T> a, transpose op_a, view<const T> b, transpose op_b, T beta, view<T> c) {
  const product_shape shape = shape_of<T>(a, op_a, b, op_b, c, beta == 1);
  if (c.rows == 0 || c.columns == 0) return;
  if (alpha == 1 && (beta == 0 || beta == 1)) return shaped_product<T>(shape)(a.data, b.data, c.data);
  detail::gemm(alpha, shape, a.data, b.data, beta, c.data);
}

}  // namespace

void multiply(double alpha, const matrix& a, transpose op_a, const matrix& b, transpose op_b, double beta, matrix& c) {
  const int inner = op_a == transpose::yes ? a.rows() : a.columns();
  expects(c.rows() == (op_a == transpose::yes ? a.columns() : a.rows()) &&
              c.columns() == (op_b == transpose::yes ? b.rows() : b.columns()) &&
              inner == (op_b == transpose::yes ? b.columns() : b.rows()),
          "multiply: shapes ({}, {}) and ({}, {}) do not make ({}, {})", a.rows(), a.columns(), b.rows(), b.columns(),
          c.rows(), c.columns());
  if (c.size() == 0) return;
  cblas_dgemm(CblasRowMajor, flag(op_a), flag(op_b), c.rows(), c.columns(), inner, alpha, a.data(),
              std::max(1, a.columns()), b.data(), std::max(1, b.columns()), beta, c.data(), c.columns());
}

matrix product(const matrix& a, const matrix& b) {
  matrix c(a.rows(), b.columns());
  multiply(1, a, transpose::no, b, transpose::no, 0, c);
  return c;
}

void multiply(double alpha, const matrix& a, std::span<const double> x, double beta, std::span<double> y) {
  expects(x.size() == static_cast<std::size_t>(a.columns()) && y.size() == static_cast<std::size_t>(a.rows()),
          "multiply: matrix ({}, {}), vectors of {} and {}", a.rows(), a.columns(), x.size(), y.size());
  if (y.empty()) return;
  cblas_dgemv(CblasRowMajor, CblasNoTrans, a.rows(), a.columns(), alpha, a.data(), std::max(1, a.columns()), x.data(),
              1, beta, y.data(), 1);
}

void multiply_transposed(double alpha, const matrix& a, std::span<const double> x, double beta, std::span<double> y) {
  expects(x.size() == static_cast<std::size_t>(a.rows()) && y.size() == static_cast<std::size_t>(a.columns()),
          "multiply_transposed: matrix ({}, {}), vectors of {} and {}", a.rows(), a.columns(), x.size(), y.size());
  if (y.empty()) return;
  cblas_dgemv(CblasRowMajor, CblasTrans, a.rows(), a.columns(), alpha, a.data(), std::max(1, a.columns()), x.data(), 1,
              beta, y.data(), 1);
}

void gram(double scale, const matrix& x, matrix& s) {
  const int d = x.rows();
  s.reshape(d, d);
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, d, x.columns(), scale, x.data(), std::max(1, x.columns()), 0,
              s.data(), d);
  for (int i = 0; i < d; ++i) {
    for (int j = 0; j < i; ++j) s(j, i) = s(i, j);
  }
}

void solve_lower(const matrix& a, transpose op, matrix& b) {
  const int s = b.columns();
  expects(s <= a.rows() && s <= a.columns(), "solve_lower: a ({}, {}), b ({}, {})", a.rows(), a.columns(), b.rows(), s);
  if (b.size() == 0) return;
  if (b.rows() == 1) {
    cblas_dtrsv(CblasRowMajor, CblasLower, flag(op), CblasNonUnit, s, a.data(), a.columns(), b.data(), 1);
    return;
  }
  // op(L) y = x is yᵀ op(L)ᵀ = xᵀ
  const transpose other = op == transpose::yes ? transpose::no : transpose::yes;
  cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, flag(other), CblasNonUnit, b.rows(), s, 1, a.data(), a.columns(),
              b.data(), s);
}

void multiply(float alpha, view<const float> a, transpose op_a, view<const float> b, transpose op_b, float beta,
              view<float> c) {
  multiply_views(alpha, a, op_a, b, op_b, beta, c);
}

void multiply(double alpha, view<const double> a, transpose op_a, view<const double> b, transpose op_b, double beta,
              view<double> c) {
  multiply_views(alpha, a, op_a, b, op_b, beta, c);
}

double norm(std::span<const double> x) { return cblas_dnrm2(static_cast<int>(x.size()), x.data(), 1); }

double frobenius_norm(const matrix& a) { return norm(a.values()); }

double inner(const matrix& a, const matrix& b) {
  expects(a.rows() == b.rows() && a.columns() == b.columns(), "inner: shapes ({}, {}) and ({}, {}) differ", a.rows(),
          a.columns(), b.rows(), b.columns());
  return cblas_ddot(static_cast<int>(a.size()), a.data(), 1, b.data(), 1);
}

// OpenBLAS's OpenMP build uses omp_get_max_threads() threads, whatever it was told before; telling it sets both.
// parallel_for has a setting of its own.
blas_threads::blas_threads(int count) : previous_(openblas_get_num_threads()) { openblas_set_num_threads(count); }

blas_threads::~blas_threads() { openblas_set_num_threads(previous_); }

void require_openmp_blas() {
  constexpr int openmp = 2;
  if (openblas_get_parallel() == openmp) return;
  throw specification_error(fmt::format(
      "the OpenBLAS that was loaded ({}) is not its OpenMP build, so its threads would fight with ours.\n"
      "  Debian: apt-get install libopenblas-openmp-dev, and build again; elsewhere: point OPENBLAS_ROOT to "
      "an OpenBLAS built with USE_OPENMP=1; check LD_LIBRARY_PATH and LD_PRELOAD",
      blas_configuration()));
}

std::string blas_configuration() { return openblas_get_config(); }

std::string blas_core_name() { return openblas_get_corename(); }

}  // namespace cotscale
