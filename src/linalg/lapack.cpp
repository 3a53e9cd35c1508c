#include "cotscale/linalg/lapack.hpp"

#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {
namespace {

void check(lapack_int info, const char* routine) {
  expects(info >= 0, "{}: argument {} is not valid", routine, -info);
  if (info > 0) throw numerical_error(fmt::format("{} did not converge (info = {})", routine, info));
}

void require_finite(const matrix& a, const char* routine) {
  const auto values = a.values();
  if (!std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); })) {
    throw numerical_error(
        fmt::format("{}: the ({}, {}) matrix has a value that is not finite", routine, a.rows(), a.columns()));
  }
}

struct svd {
  matrix u;
  std::vector<double> s;
  matrix vt;
};

svd singular_value_decomposition(matrix a, bool with_vectors) {
  require_finite(a, "dgesdd");
  const int rank = std::min(a.rows(), a.columns());
  svd out{.u = with_vectors ? matrix(a.rows(), rank) : matrix(1, rank),
          .s = std::vector<double>(static_cast<std::size_t>(rank)),
          .vt = with_vectors ? matrix(rank, a.columns()) : matrix(1, a.columns())};
  if (rank == 0) return out;
  check(LAPACKE_dgesdd(LAPACK_ROW_MAJOR, with_vectors ? 'S' : 'N', a.rows(), a.columns(), a.data(), a.columns(),
                       out.s.data(), out.u.data(), out.u.columns(), out.vt.data(), out.vt.columns()),
        "dgesdd");
  return out;
}

}  // namespace

eigen_decomposition symmetric_eigen(const matrix& a) {
  expects(a.rows() == a.columns(), "symmetric_eigen: the matrix is ({}, {}), not square", a.rows(), a.columns());
  require_finite(a, "dsyevd");
  eigen_decomposition out{.values = std::vector<double>(static_cast<std::size_t>(a.rows())), .vectors = a};
  if (a.rows() == 0) return out;
  check(LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'V', 'L', a.rows(), out.vectors.data(), a.rows(), out.values.data()),
        "dsyevd");
  return out;
}

std::vector<double> symmetric_eigenvalues(const matrix& a) {
  expects(a.rows() == a.columns(), "symmetric_eigenvalues: the matrix is ({}, {}), not square", a.rows(), a.columns());
  require_finite(a, "dsyevd");
  matrix work = a;
  std::vector<double> values(static_cast<std::size_t>(a.rows()));
  if (a.rows() == 0) return values;
  check(LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'N', 'L', a.rows(), work.data(), a.rows(), values.data()), "dsyevd");
  return values;
}

std::vector<std::complex<double>> eigenvalues(const matrix& a) {
  expects(a.rows() == a.columns(), "eigenvalues: the matrix is ({}, {}), not square", a.rows(), a.columns());
  require_finite(a, "dgeev");
  matrix work = a;
  std::vector<double> real(static_cast<std::size_t>(a.rows())), imaginary(real.size());
  if (a.rows() == 0) return {};
  check(LAPACKE_dgeev(LAPACK_ROW_MAJOR, 'N', 'N', a.rows(), work.data(), a.rows(), real.data(), imaginary.data(),
                      nullptr, a.rows(), nullptr, a.rows()),
        "dgeev");
  std::vector<std::complex<double>> out;
  for (std::size_t j = 0; j < real.size(); ++j) out.emplace_back(real[j], imaginary[j]);
  return out;
}

double spectral_radius(const matrix& a) {
  expects(a.rows() == a.columns(), "spectral_radius: the matrix is ({}, {}), not square", a.rows(), a.columns());
  const auto entries = a.values();
  if (!std::all_of(entries.begin(), entries.end(), [](double x) { return std::isfinite(x); })) {
    return std::numeric_limits<double>::infinity();
  }
  double largest = 0;
  for (const std::complex<double>& value : eigenvalues(a)) largest = std::max(largest, std::abs(value));
  return largest;
}

matrix symmetric_pseudo_inverse(const matrix& a, double tolerance) {
  const eigen_decomposition e = symmetric_eigen(a);
  const double least = tolerance * std::max(std::abs(e.values.front()), std::abs(e.values.back()));
  matrix scaled = e.vectors;
  for (int j = 0; j < a.columns(); ++j) {
    const double value = e.values[static_cast<std::size_t>(j)];
    for (int i = 0; i < a.rows(); ++i) scaled(i, j) *= std::abs(value) > least ? 1 / value : 0;
  }
  matrix out(a.rows(), a.columns());
  multiply(1, scaled, transpose::no, e.vectors, transpose::yes, 0, out);
  return out;
}

matrix equilibrated_pseudo_inverse(const matrix& a, double tolerance) {
  const int d = a.rows();
  std::vector<double> inverse_root(static_cast<std::size_t>(d));  // D⁻¹; 0 where a row of a is zero
  for (int i = 0; i < d; ++i) inverse_root[static_cast<std::size_t>(i)] = a(i, i) > 0 ? 1 / std::sqrt(a(i, i)) : 0;
  const auto conjugate = [&](matrix& b) {
    for (int i = 0; i < d; ++i) {
      for (int j = 0; j < d; ++j)
        b(i, j) *= inverse_root[static_cast<std::size_t>(i)] * inverse_root[static_cast<std::size_t>(j)];
    }
  };
  matrix unit = a;
  conjugate(unit);
  for (int i = 0; i < d; ++i) unit(i, i) = 1;
  const std::vector<double> values = symmetric_eigenvalues(unit);
  if (d == 0 || values.front() <= tolerance * values.back()) return symmetric_pseudo_inverse(a, tolerance);
  matrix out = symmetric_pseudo_inverse(unit, tolerance);
  conjugate(out);
  return out;
}

std::vector<double> singular_values(const matrix& a) { return singular_value_decomposition(a, false).s; }

matrix right_singular_vectors(const matrix& a) {
  expects(a.rows() == a.columns(), "right_singular_vectors: the matrix is ({}, {}), not square", a.rows(), a.columns());
  return transposed(singular_value_decomposition(a, true).vt);
}

matrix pseudo_inverse(const matrix& a, double tolerance) {
  svd f = singular_value_decomposition(a, true);
  // a⁺ = V diag(1/s) Uᵀ
  for (int j = 0; j < f.vt.rows(); ++j) {
    const double s = f.s[static_cast<std::size_t>(j)];
    const double inverse = s > tolerance * f.s.front() ? 1 / s : 0;
    for (int i = 0; i < f.vt.columns(); ++i) f.vt(j, i) *= inverse;
  }
  matrix out(a.columns(), a.rows());
  multiply(1, f.vt, transpose::yes, f.u, transpose::yes, 0, out);
  return out;
}

matrix orthogonal_factor(const matrix& a) {
  expects(a.rows() == a.columns(), "orthogonal_factor: the matrix is ({}, {}), not square", a.rows(), a.columns());
  require_finite(a, "dgeqrf");
  matrix q = a;
  const int d = a.rows();
  if (d == 0) return q;
  std::vector<double> tau(static_cast<std::size_t>(d));
  check(LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, d, d, q.data(), d, tau.data()), "dgeqrf");
  std::vector<double> sign(static_cast<std::size_t>(d));
  for (int j = 0; j < d; ++j) sign[static_cast<std::size_t>(j)] = q(j, j) < 0 ? -1 : 1;
  check(LAPACKE_dorgqr(LAPACK_ROW_MAJOR, d, d, d, q.data(), d, tau.data()), "dorgqr");
  for (int i = 0; i < d; ++i) {
    for (int j = 0; j < d; ++j) q(i, j) *= sign[static_cast<std::size_t>(j)];
  }
  return q;
}

matrix lower_trapezoidal_factor(const matrix& a) {
  require_finite(a, "dgelqf");
  matrix work = a;
  const int rank = std::min(a.rows(), a.columns());
  matrix out(a.rows(), rank);
  if (rank == 0) return out;
  std::vector<double> tau(static_cast<std::size_t>(rank));
  check(LAPACKE_dgelqf(LAPACK_ROW_MAJOR, a.rows(), a.columns(), work.data(), a.columns(), tau.data()), "dgelqf");
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j <= std::min(i, rank - 1); ++j) out(i, j) = work(i, j);
  }
  return out;
}

}  // namespace cotscale
