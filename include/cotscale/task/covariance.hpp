// A task: features x ~ N(0, Λ). Λ is any symmetric positive semi-definite matrix, with the factors that computing with
// it needs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/linalg/matrix.hpp"

namespace cotscale {

/// Λ = basis · diag(eigenvalues) · basisᵀ, shape (d, d), positive semi-definite and not zero. A multiple of I may be
/// held as a scalar, without an array of d: its matrices are (1, 1), what is computed from them (apply, products,
/// inverses) is (1, 1) again and stands for a multiple of I, and norms and traces of those count copies() times.
class covariance {
 public:
  /// Eigenvalues in any order, each ≥ 0 and one > 0; `basis` (d, d) has the eigenvectors in its columns.
  /// Throws specification_error for a negative, non-finite or all-zero spectrum, and for one whose trace, or whose
  /// ratio of trace to least positive eigenvalue, is beyond what a double holds.
  covariance(std::vector<double> eigenvalues, matrix basis);

  /// The same in the standard basis: Λ is diagonal.
  explicit covariance(const std::vector<double>& eigenvalues);

  /// s·I_d, held as a scalar; d ≥ 1. Throws as the constructor does.
  static covariance isotropic(int d, double s);

  /// From a (d, d) matrix. Throws specification_error unless it is finite, symmetric and positive semi-definite up to
  /// rounding: that of single precision (1e−5 of its largest eigenvalue). It is symmetrised; negative eigenvalues, and
  /// those that are no larger than the rounding (d·1e−12 relative, or what the least eigenvalue shows), count as zero.
  /// If that is more than double precision's rounding, `notice`, if there is one, says what was done.
  static covariance from_matrix(const matrix& values, std::string* notice = nullptr);

  int dimension() const { return copies_ * static_cast<int>(eigenvalues_.size()); }
  /// How many directions each eigenvalue stands for: d if it is held as a scalar, else 1.
  int copies() const { return copies_; }
  bool is_scalar() const { return copies_ > 1; }
  /// The same with matrices of (d, d).
  covariance in_full() const;
  std::span<const double> eigenvalues() const { return eigenvalues_; }
  const matrix& basis() const { return basis_; }
  const matrix& values() const { return values_; }
  double trace() const;
  double largest_eigenvalue() const;
  double hardness() const;
  double support_hardness() const;
  int rank() const;  ///< number of positive eigenvalues

  /// The even e for which the largest eigenvalue is in [2^e, 2^(e+2)): what squares, and roots, must be kept from.
  int scale_exponent() const;
  /// 2^e·Λ, the same bits in other units. Eigenvalues beyond a double's range become 0, or specification_error.
  covariance scaled(int exponent) const;

  /// basis · diag(f(λ_j)) · basisᵀ for a function f of the eigenvalue.
  template<class F>
  matrix apply(F f) const {
    std::vector<double> mapped(eigenvalues_.size());
    for (std::size_t j = 0; j < mapped.size(); ++j) mapped[j] = f(eigenvalues_[j]);
    return with_eigenvalues(mapped);
  }

 private:
  matrix with_eigenvalues(std::span<const double> eigenvalues) const;

  std::vector<double> eigenvalues_;
  matrix basis_;
  matrix values_;
  int copies_ = 1;
};

/// Throws specification_error as the constructor does for these eigenvalues.
void require_spectrum(std::span<const double> eigenvalues);

/// A random orthogonal (d, d) matrix, Haar-distributed, drawn from the stream of this key.
matrix random_rotation(int d, stream_key key);

}  // namespace cotscale
