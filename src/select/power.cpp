#include "power.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "cotscale/base/error.hpp"
#include "cotscale/linalg/blas.hpp"

namespace cotscale {
namespace {

// value = 2^exponent · mantissa, with ‖mantissa‖_F in [½, 1); powers of two lose no digit.
struct scaled_matrix {
  matrix mantissa;
  double exponent = 0;
};

void scale(double factor, matrix& a) {
  for (double& value : a.values()) value *= factor;
}

scaled_matrix scaled(matrix a, double exponent) {
  const double size = frobenius_norm(a);
  int shift = 0;
  std::frexp(size, &shift);
  if (!std::isfinite(size) || size == 0) return {.mantissa = std::move(a), .exponent = exponent};
  scale(std::exp2(-(shift / 2)), a);  // in two, since 2^(−shift) itself may overflow
  scale(std::exp2(-(shift - shift / 2)), a);
  return {.mantissa = std::move(a), .exponent = exponent + shift};
}

// The powers on the way from b to bᵏ: each is the square of the one before it, or that one times b.
struct chain {
  std::vector<scaled_matrix> powers;
  std::vector<bool> squared;  // how powers[i + 1] came about
};

chain powers_of(scaled_matrix b, int k) {
  chain out;
  out.powers.push_back(std::move(b));
  const auto append = [&out](bool square) {
    const scaled_matrix& last = out.powers.back();
    const scaled_matrix& factor = square ? last : out.powers.front();
    out.powers.push_back(scaled(product(last.mantissa, factor.mantissa), last.exponent + factor.exponent));
    out.squared.push_back(square);
  };
  for (int bit = std::bit_width(static_cast<unsigned>(k)) - 2; bit >= 0; --bit) {
    append(true);
    if ((k >> bit & 1) != 0) append(false);
  }
  return out;
}

// From the derivative by the last mantissa to that by the first, exponents held: they only shift the logarithm.
matrix pulled_back(const chain& c, matrix cotangent) {
  const matrix& b = c.powers.front().mantissa;
  matrix by_b(b.rows(), b.rows());
  for (std::size_t i = c.squared.size(); i > 0; --i) {
    const scaled_matrix& from = c.powers[i - 1];
    const scaled_matrix& factor = c.squared[i - 1] ? from : c.powers.front();
    scale(std::exp2(from.exponent + factor.exponent - c.powers[i].exponent), cotangent);
    matrix by_from(b.rows(), b.rows());
    multiply(1, cotangent, transpose::no, factor.mantissa, transpose::yes, 0, by_from);
    multiply(1, from.mantissa, transpose::yes, cotangent, transpose::no, 1, c.squared[i - 1] ? by_from : by_b);
    cotangent = std::move(by_from);
  }
  return combination(1, cotangent, 1, by_b);
}

}  // namespace

power_norm log_power_norm(const matrix& b, int k, bool with_gradient) {
  expects(b.rows() == b.columns() && k >= 0, "log_power_norm: b ({}, {}), k = {}", b.rows(), b.columns(), k);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  power_norm out{.log_square = std::log(b.rows()), .gradient = {}};
  if (with_gradient) out.gradient = matrix(b.rows(), b.rows());
  if (k == 0) return out;
  const chain c = powers_of(scaled(b, 0), k);
  const scaled_matrix& last = c.powers.back();
  const double size = frobenius_norm(last.mantissa);
  if (!std::isfinite(size) || size == 0) {
    out.log_square = size == 0 ? -infinity : infinity;
    return out;
  }
  out.log_square = 2 * (std::log(size) + last.exponent * std::log(2.0));
  if (!with_gradient) return out;
  matrix cotangent = last.mantissa;
  scale(2 / (size * size), cotangent);
  out.gradient = pulled_back(c, std::move(cotangent));
  scale(std::exp2(-c.powers.front().exponent), out.gradient);
  return out;
}

}  // namespace cotscale
