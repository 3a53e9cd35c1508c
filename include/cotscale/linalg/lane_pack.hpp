// One number of each of the eight lanes, to compute with as if it were one.
#pragma once

#include "cotscale/linalg/lanes.hpp"
#include "cotscale/linalg/matrix.hpp"

namespace cotscale::detail {

#if defined(__AVX512F__)

/// May stand at any multiple of 8 bytes.
using pack = double __attribute__((vector_size(8 * lane_count), aligned(8), may_alias));

#else

// GCC keeps vectors that are wider than the CPU's registers in memory, whatever is done with them, so that sums are
// stored and loaded at every step (measured: three to four times slower), and passes and returns them in no agreed way.
// Two halves stay in registers.
struct pack {
  using half = double __attribute__((vector_size(4 * lane_count), aligned(8), may_alias));
  half low, high;

  double& operator[](int lane) { return reinterpret_cast<double*>(this)[lane]; }
  double operator[](int lane) const { return reinterpret_cast<const double*>(this)[lane]; }

  pack& operator+=(const pack& b) { return *this = {low + b.low, high + b.high}; }
  pack& operator-=(const pack& b) { return *this = {low - b.low, high - b.high}; }
  pack& operator*=(const pack& b) { return *this = {low * b.low, high * b.high}; }
  pack& operator/=(const pack& b) { return *this = {low / b.low, high / b.high}; }

  friend pack operator+(const pack& a, const pack& b) { return {a.low + b.low, a.high + b.high}; }
  friend pack operator-(const pack& a, const pack& b) { return {a.low - b.low, a.high - b.high}; }
  friend pack operator*(const pack& a, const pack& b) { return {a.low * b.low, a.high * b.high}; }
  friend pack operator*(double a, const pack& b) { return {a * b.low, a * b.high}; }
  friend pack operator/(const pack& a, double b) { return {a.low / b, a.high / b}; }
  friend pack operator/(double a, const pack& b) { return {a / b.low, a / b.high}; }
  friend pack operator+(const pack& a, double b) { return {a.low + b, a.high + b}; }
  friend pack operator-(double a, const pack& b) { return {a - b.low, a - b.high}; }
} __attribute__((may_alias));

#endif

inline const pack* packs(const matrix& x) { return reinterpret_cast<const pack*>(x.data()); }
inline pack* packs(matrix& x) { return reinterpret_cast<pack*>(x.data()); }

}  // namespace cotscale::detail
