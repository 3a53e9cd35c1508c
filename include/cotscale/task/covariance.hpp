// A task: features x ~ N(0, Λ). Λ is any symmetric positive semi-definite matrix, with the factors that computing with
// it needs.
#pragma once

#include <span>
#include <vector>

#include "cotscale/base/random.hpp"
#include "cotscale/linalg/matrix.hpp"

namespace cotscale {

/// Λ = basis · diag(eigenvalues) · basisᵀ, shape (d, d), positive semi-definite and not zero.
class covariance {
 public:
  /// Eigenvalues in any order, each ≥ 0 and one > 0; `basis` (d, d) has the eigenvectors in its columns.
  /// Throws specification_error for a negative, non-finite or all-zero spectrum.
  covariance(std::vector<double> eigenvalues, matrix basis);

  /// The same in the standard basis: Λ is diagonal.
  explicit covariance(const std::vector<double>& eigenvalues);

  /// From a (d, d) matrix. Throws specification_error unless it is finite, symmetric and positive semi-definite up to
  /// rounding (d·1e−12 relative); eigenvalues below that count as zero.
  static covariance from_matrix(const matrix& values);

  int dimension() const { return static_cast<int>(eigenvalues_.size()); }
  std::span<const double> eigenvalues() const { return eigenvalues_; }
  const matrix& basis() const { return basis_; }
  const matrix& values() const { return values_; }
  double trace() const;
  double largest_eigenvalue() const;
  double hardness() const;
  double support_hardness() const;

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
};

/// A random orthogonal (d, d) matrix, Haar-distributed, drawn from the stream of this key.
matrix random_rotation(int d, stream_key key);

}  // namespace cotscale
