// Factorisations, from LAPACK.
#pragma once

#include <complex>
#include <vector>

#include "cotscale/linalg/matrix.hpp"

namespace cotscale {

/// a = vectors · diag(values) · vectorsᵀ, values ascending, eigenvectors in the columns.
struct eigen_decomposition {
  std::vector<double> values;
  matrix vectors;
};

/// Eigenvalues and eigenvectors of a symmetric matrix (its lower triangle is read). (dsyevd)
/// Throws numerical_error if it does not converge, and if a value is not finite.
eigen_decomposition symmetric_eigen(const matrix& a);

/// Its eigenvalues only, ascending. (dsyevd)
std::vector<double> symmetric_eigenvalues(const matrix& a);

/// Eigenvalues of a square matrix, in any order. (dgeev) Throws numerical_error as symmetric_eigen does.
std::vector<std::complex<double>> eigenvalues(const matrix& a);

/// Largest |eigenvalue| of a square matrix; +inf if an entry is not finite. (dgeev)
double spectral_radius(const matrix& a);

/// Moore-Penrose inverse of a symmetric positive semi-definite matrix; eigenvalues below `tolerance` times the largest
/// count as zero.
matrix symmetric_pseudo_inverse(const matrix& a, double tolerance);

/// The same, but what counts as zero is judged on D⁻¹aD⁻¹ of unit diagonal, so that a matrix which is only badly scaled
/// (diagonal, say) keeps its weakest directions. One that is singular even so: symmetric_pseudo_inverse.
matrix equilibrated_pseudo_inverse(const matrix& a, double tolerance);

/// Singular values, largest first. (dgesdd)
std::vector<double> singular_values(const matrix& a);

/// Right singular vectors of a square matrix, (d, d), in the columns, that of the largest singular value first.
/// (dgesdd)
matrix right_singular_vectors(const matrix& a);

/// Moore-Penrose inverse; singular values below `tolerance` times the largest count as zero. (dgesdd)
matrix pseudo_inverse(const matrix& a, double tolerance);

/// The orthogonal factor Q of a square a = QR with a positive diagonal of R; Haar-distributed when a is Gaussian
/// (Mezzadri, Notices of the AMS 54, 2007). (dgeqrf, dorgqr)
matrix orthogonal_factor(const matrix& a);

/// Lower trapezoidal L, (r, min(r, c)), with L Lᵀ = a aᵀ, from a (r, c) of any rank. (dgelqf)
matrix lower_trapezoidal_factor(const matrix& a);

}  // namespace cotscale
