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

// The even e for which x > 0 is in [2^e, 2^(e+2)).
int even_exponent(double x) {
  const int e = std::ilogb(x);
  return e - (e & 1);
}

void scale(int exponent, std::span<double> values) {
  for (double& value : values) value = std::ldexp(value, exponent);
}

double largest_entry(const matrix& a) {
  double largest = 0;
  for (const double value : a.values()) largest = std::max(largest, std::abs(value));
  return largest;
}

// (A + Aᵀ)/2, exactly symmetric.
void symmetrise(matrix& a) {
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < i; ++j) a(i, j) = a(j, i) = 0.5 * a(i, j) + 0.5 * a(j, i);
  }
}

}  // namespace

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
  if (!std::isfinite(std::accumulate(eigenvalues.begin(), eigenvalues.end(), 0.0))) {
    throw specification_error("the trace of the covariance is beyond what a double holds (1.8e308): scale it down");
  }
  if (!std::isfinite(support_hardness(eigenvalues))) {
    throw specification_error(
        "the eigenvalues of the covariance differ by a factor beyond what a double holds: make the smallest ones 0");
  }
}

covariance::covariance(std::vector<double> eigenvalues, matrix basis)
    : eigenvalues_(std::move(eigenvalues)), basis_(std::move(basis)) {
  const auto count = static_cast<int>(eigenvalues_.size());
  expects(basis_.rows() == count && basis_.columns() == count, "covariance: {} eigenvalues, basis ({}, {})", count,
          basis_.rows(), basis_.columns());
  require_spectrum(eigenvalues_);
  values_ = with_eigenvalues(eigenvalues_);
}

covariance::covariance(const std::vector<double>& eigenvalues)
    : covariance(eigenvalues, matrix::identity(static_cast<int>(eigenvalues.size()))) {}

covariance covariance::isotropic(int d, double s) {
  expects(d >= 1, "covariance: d must be at least 1, got {}", d);
  covariance out(std::vector<double>{s});
  out.copies_ = d;
  if (!std::isfinite(out.trace())) {
    throw specification_error("the trace of the covariance is beyond what a double holds (1.8e308): scale it down");
  }
  return out;
}

covariance covariance::in_full() const {
  return is_scalar() ? covariance(std::vector<double>(static_cast<std::size_t>(copies_), eigenvalues_.front())) : *this;
}

covariance covariance::from_matrix(const matrix& values, std::string* notice) {
  const int d = values.rows();
  if (d == 0 || d != values.columns()) {
    throw specification_error(fmt::format("the covariance has shape ({}, {}), not (d, d)", d, values.columns()));
  }
  for (const double value : values.values()) {
    if (!std::isfinite(value)) throw specification_error("the covariance has a value that is not finite");
  }
  const double largest_value = largest_entry(values);
  if (largest_value == 0) throw specification_error("the covariance is zero: at least one eigenvalue must be positive");
  const int exponent = even_exponent(largest_value);
  matrix scaled = values;
  scale(-exponent, scaled.values());
  const double gap = asymmetry(scaled);
  symmetrise(scaled);
  eigen_decomposition e = symmetric_eigen(scaled);

  constexpr double single_precision = 1e-5;  // what is left of its rounding (6e-8 a value) in large matrices
  const double most = single_precision * std::max(e.values.back(), 0.0);
  if (gap > most) {
    throw specification_error(
        fmt::format("the covariance is not symmetric: |Λ_ij − Λ_ji| reaches {:.3g}", std::ldexp(gap, exponent)));
  }
  const double least = e.values.front();
  if (least < -most) {
    throw specification_error(fmt::format("the covariance is not positive semi-definite: it has the eigenvalue {}",
                                          std::ldexp(least, exponent)));
  }
  const double rounding = 1e-12 * d * frobenius_norm(scaled);
  if (notice != nullptr && (gap > rounding || least < -rounding)) {
    *notice = fmt::format(
        "symmetric and positive semi-definite up to single precision only (|Λ_ij − Λ_ji| reaches {:.2g}, the least "
        "eigenvalue is {:.2g}): it was symmetrised, and eigenvalues up to {:.2g} count as 0",
        std::ldexp(gap, exponent), std::ldexp(least, exponent), std::ldexp(std::max(rounding, -least), exponent));
  }
  for (double& value : e.values) {
    if (value <= std::max(rounding, -least)) value = 0;
  }
  scale(exponent, e.values);
  return {std::move(e.values), std::move(e.vectors)};
}

double covariance::trace() const { return copies_ * std::accumulate(eigenvalues_.begin(), eigenvalues_.end(), 0.0); }

double covariance::largest_eigenvalue() const { return *std::max_element(eigenvalues_.begin(), eigenvalues_.end()); }

int covariance::rank() const {
  const auto positive = std::count_if(eigenvalues_.begin(), eigenvalues_.end(), [](double l) { return l > 0; });
  return copies_ * static_cast<int>(positive);
}

int covariance::scale_exponent() const { return even_exponent(largest_eigenvalue()); }

covariance covariance::scaled(int exponent) const {
  if (exponent == 0) return *this;
  if (is_scalar()) return isotropic(copies_, std::ldexp(eigenvalues_.front(), exponent));
  std::vector<double> eigenvalues = eigenvalues_;
  scale(exponent, eigenvalues);
  return {std::move(eigenvalues), basis_};
}

double covariance::hardness() const { return copies_ * cotscale::hardness(eigenvalues_); }

double covariance::support_hardness() const { return copies_ * cotscale::support_hardness(eigenvalues_); }

matrix covariance::with_eigenvalues(std::span<const double> eigenvalues) const {
  matrix scaled = basis_;
  for (int i = 0; i < scaled.rows(); ++i) {
    for (int j = 0; j < scaled.columns(); ++j) scaled(i, j) *= eigenvalues[static_cast<std::size_t>(j)];
  }
  matrix out(scaled.rows(), scaled.columns());
  multiply(1, scaled, transpose::no, basis_, transpose::yes, 0, out);
  symmetrise(out);
  return out;
}

matrix random_rotation(int d, stream_key key) {
  matrix gaussian(d, d);
  fill_normal(key, 0, gaussian.values());
  return orthogonal_factor(gaussian);
}

}  // namespace cotscale
