#include "cotscale/task/covariance.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"
#include "cotscale/task/spectrum.hpp"

namespace cotscale {
namespace {

void require_spectrum(std::span<const double> eigenvalues) {
  for (const double value : eigenvalues) {
    if (!std::isfinite(value) || value < 0) {
      throw specification_error(
          fmt::format("the covariance is not positive semi-definite: it has the eigenvalue {}", value));
    }
  }
  if (std::none_of(eigenvalues.begin(), eigenvalues.end(), [](double value) { return value > 0; })) {
    throw specification_error("the covariance is zero: at least one eigenvalue must be positive");
  }
}

}  // namespace

covariance::covariance(std::vector<double> eigenvalues, matrix basis)
    : eigenvalues_(std::move(eigenvalues)), basis_(std::move(basis)) {
  expects(basis_.rows() == dimension() && basis_.columns() == dimension(), "covariance: {} eigenvalues, basis ({}, {})",
          dimension(), basis_.rows(), basis_.columns());
  require_spectrum(eigenvalues_);
  values_ = with_eigenvalues(eigenvalues_);
}

covariance::covariance(const std::vector<double>& eigenvalues)
    : covariance(eigenvalues, matrix::identity(static_cast<int>(eigenvalues.size()))) {}

covariance covariance::from_matrix(const matrix& values) {
  const int d = values.rows();
  if (d == 0 || d != values.columns()) {
    throw specification_error(fmt::format("the covariance has shape ({}, {}), not (d, d)", d, values.columns()));
  }
  for (const double value : values.values()) {
    if (!std::isfinite(value)) throw specification_error("the covariance has a value that is not finite");
  }
  const double tolerance = 1e-12 * d * frobenius_norm(values);
  if (const double gap = asymmetry(values); gap > tolerance) {
    throw specification_error(fmt::format("the covariance is not symmetric: |Λ_ij − Λ_ji| reaches {:.3g}", gap));
  }
  eigen_decomposition e = symmetric_eigen(values);
  for (double& value : e.values) {
    if (std::abs(value) <= tolerance) value = 0;
  }
  return {std::move(e.values), std::move(e.vectors)};
}

double covariance::trace() const { return std::accumulate(eigenvalues_.begin(), eigenvalues_.end(), 0.0); }

double covariance::largest_eigenvalue() const { return *std::max_element(eigenvalues_.begin(), eigenvalues_.end()); }

double covariance::hardness() const { return cotscale::hardness(eigenvalues_); }

double covariance::support_hardness() const { return cotscale::support_hardness(eigenvalues_); }

matrix covariance::with_eigenvalues(std::span<const double> eigenvalues) const {
  matrix scaled = basis_;
  for (int i = 0; i < dimension(); ++i) {
    for (int j = 0; j < dimension(); ++j) scaled(i, j) *= eigenvalues[static_cast<std::size_t>(j)];
  }
  matrix out(dimension(), dimension());
  multiply(1, scaled, transpose::no, basis_, transpose::yes, 0, out);
  for (int i = 0; i < dimension(); ++i) {  // exactly symmetric
    for (int j = 0; j < i; ++j) out(i, j) = out(j, i) = 0.5 * (out(i, j) + out(j, i));
  }
  return out;
}

matrix random_rotation(int d, stream_key key) {
  matrix gaussian(d, d);
  fill_normal(key, 0, gaussian.values());
  return orthogonal_factor(gaussian);
}

}  // namespace cotscale
