#include "cotscale/train/descent_path.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"
#include "cotscale/linalg/lapack.hpp"

namespace cotscale {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

double column_norm(const matrix& a, std::size_t j) {
  return frobenius_norm(a.block(0, static_cast<int>(j), a.rows(), 1));
}

matrix with_scaled_columns(matrix a, const std::vector<double>& factors) {
  for (int i = 0; i < a.rows(); ++i) {
    for (int j = 0; j < a.columns(); ++j) a(i, j) *= factors[static_cast<std::size_t>(j)];
  }
  return a;
}

matrix product_transposed(const matrix& a, const matrix& b) {
  matrix out(a.rows(), b.rows());
  multiply(1, a, transpose::no, b, transpose::yes, 0, out);
  return out;
}

}  // namespace

descent_path::descent_path(const prompt_moments& moments, double c)
    : mean_(moments.mean), second_(moments.second), c_(c), copies_(moments.copies) {
  expects(c != 0, "descent_path: c must not be zero, got {}", c);
  if (moments.spectrum) {
    basis_ = moments.spectrum->basis;
    values_ = moments.spectrum->second;
    norms_ = moments.spectrum->mean;
    image_ = with_scaled_columns(basis_, norms_);
    for (std::size_t j = 0; j < values_.size(); ++j) gains_.push_back(values_[j] > 0 ? norms_[j] / values_[j] : 0);
    return;
  }
  eigen_decomposition e = symmetric_eigen(second_);
  basis_ = std::move(e.vectors);
  values_ = std::move(e.values);
  const double least = 4 * basis_.rows() * epsilon * values_.back();
  image_ = product(mean_, basis_);
  for (std::size_t j = 0; j < values_.size(); ++j) {
    if (values_[j] <= least) values_[j] = 0;
    norms_.push_back(values_[j] > 0 ? column_norm(image_, j) : 0);
  }
  const matrix directions = right_singular_vectors(optimum());
  const matrix images = product(optimum(), directions);
  for (std::size_t i = 0; i < values_.size(); ++i) gains_.push_back(column_norm(images, i));
  overlap_ = product(transposed(basis_), directions);
}

double descent_path::set_step_size(std::optional<double> step_size) {
  const double largest = *std::max_element(values_.begin(), values_.end());
  rates_.clear();
  for (const double s : values_) rates_.push_back(step_size ? *step_size * c_ * c_ * s : s / largest);
  return step_size.value_or(1 / (c_ * c_ * largest));
}

bool descent_path::grows() const { return *std::max_element(rates_.begin(), rates_.end()) > 2 * (1 + 1e-12); }

// Through the logarithm, since 1 − x has lost the small x of a weak direction.
double descent_path::power(std::size_t j, double t) const {
  const double x = rates_[j];
  if (values_[j] == 0) return 0;
  if (t == 0) return 1;
  if (x < 1) return std::exp(t * std::log1p(-x));
  const double size = std::exp(t * std::log(x - 1));
  return std::fmod(t, 2) == 0 ? size : -size;
}

double descent_path::complement(std::size_t j, double t) const {
  const double x = rates_[j];
  if (values_[j] == 0) return 0;
  return x < 1 ? -std::expm1(t * std::log1p(-x)) : 1 - power(j, t);
}

matrix descent_path::optimum() const {
  std::vector<double> inverse;
  for (const double s : values_) inverse.push_back(s > 0 ? 1 / s : 0);
  return product_transposed(with_scaled_columns(image_, inverse), basis_);
}

matrix descent_path::preconditioner(std::int64_t t) const {
  std::vector<double> gain;
  for (std::size_t j = 0; j < values_.size(); ++j) {
    gain.push_back(values_[j] > 0 ? complement(j, static_cast<double>(t)) / values_[j] : 0);
  }
  return product_transposed(with_scaled_columns(image_, gain), basis_);
}

// 2L = tr(I − A M − M Aᵀ + A S Aᵀ) = d − Σ_j ‖M u_j‖²/s_j (1 − ρ_j²ᵗ)
double descent_path::loss(std::int64_t t) const {
  double sum = 0;
  for (std::size_t j = 0; j < values_.size(); ++j) {
    if (values_[j] > 0) sum += norms_[j] / values_[j] * norms_[j] * complement(j, 2 * static_cast<double>(t));
  }
  return 0.5 * copies_ * (basis_.rows() - sum);
}

// ∇L = c (M − A S) = c M U diag(ρᵗ) Uᵀ
double descent_path::gradient_norm(std::int64_t t) const {
  std::vector<double> parts;
  for (std::size_t j = 0; j < values_.size(); ++j) parts.push_back(norms_[j] * power(j, static_cast<double>(t)));
  return norm(parts) / norm(norms_);
}

bool descent_path::finite(std::int64_t t) const {
  constexpr double most = 1e300;
  for (std::size_t j = 0; j < values_.size(); ++j) {
    if (values_[j] == 0) continue;
    const double size = norms_[j] * std::abs(power(j, static_cast<double>(t)));
    const double weight = size / values_[j] * std::max(1.0, 1 / std::abs(c_));
    if (!(size * std::abs(c_) < most && weight < most)) return false;
  }
  return true;
}

double descent_path::direction_error(std::int64_t t) const {
  const auto steps = static_cast<double>(t);
  if (overlap_.size() == 0) {
    double largest = 0;
    for (std::size_t j = 0; j < values_.size(); ++j) largest = std::max(largest, std::abs(power(j, steps)));
    return largest;
  }
  // A* − A = M U diag(ρᵗ/s) Uᵀ
  std::vector<double> left;
  for (std::size_t j = 0; j < values_.size(); ++j) left.push_back(values_[j] > 0 ? power(j, steps) / values_[j] : 0);
  return largest_ratio(product(with_scaled_columns(image_, left), overlap_));
}

double descent_path::residual_error(const matrix& a) const {
  const matrix residual = combination(1, product(a, second_), -1, mean_);
  std::vector<double> inverse;
  for (const double s : values_) inverse.push_back(s > 0 ? 1 / s : 0);
  const matrix gaps = with_scaled_columns(product(residual, basis_), inverse);
  return largest_ratio(overlap_.size() == 0 ? gaps : product(gaps, overlap_));
}

double descent_path::largest_ratio(const matrix& gaps) const {
  const double least = 4 * gaps.rows() * epsilon * *std::max_element(gains_.begin(), gains_.end());
  double largest = 0;
  for (std::size_t i = 0; i < gains_.size(); ++i) {
    const double ratio = gains_[i] > least ? column_norm(gaps, i) / gains_[i] : 0;
    largest = std::isnan(ratio) ? std::numeric_limits<double>::infinity() : std::max(largest, ratio);
  }
  return largest;
}

}  // namespace cotscale
