// exp, log, sine and cosine for loops that the compiler turns into vector instructions (with -fno-math-errno and
// -fno-trapping-math, which change no value): no branch, no table, no call. Every operation is written out, the fused
// ones as such, so that a number's bits depend neither on the width of the CPU's vectors nor on its neighbours. The
// polynomials are minimax approximations; tests/unit/base/elementary.cpp holds the functions to the bounds stated here,
// in units in the last place (ulp), from the smallest number to the largest. NaN stays NaN.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace cotscale::elementary {

namespace detail {

// Constants and polynomials of a precision. e^r = 1 + r + r² q(r) for |r| ≤ ½ ln 2, to 2^−27 and 2^−58.
template<class T>
struct exp_constants;

template<>
struct exp_constants<float> {
  using bits = std::uint32_t;
  static constexpr int mantissa = 23;
  static constexpr float lowest = -0x1.5d589ep+6F, highest = 0x1.62e42ep+6F;  // −126 ln 2 and 128 ln 2, inwards
  static constexpr float round = 0x1.8p23F;  // a sum with it is rounded to whole numbers
  static constexpr float log2_e = 0x1.715476p+0F, ln2 = 0x1.62e43p-1F, ln2_rest = -0x1.05c61p-29F;
  [[gnu::always_inline]] static float q(float r) {
    float p = 0x1.6c8302p-10F;
    p = std::fma(p, r, 0x1.12256ep-7F);
    p = std::fma(p, r, 0x1.5555bep-5F);
    p = std::fma(p, r, 0x1.5554b2p-3F);
    return std::fma(p, r, 0.5F);
  }
};

template<>
struct exp_constants<double> {
  using bits = std::uint64_t;
  static constexpr int mantissa = 52;
  static constexpr double lowest = -0x1.6232bdd7abcd2p+9, highest = 0x1.62e42fefa39efp+9;  // −1022 ln 2 and 1024 ln 2
  static constexpr double round = 0x1.8p52;
  static constexpr double log2_e = 0x1.71547652b82fep+0, ln2 = 0x1.62e42fefa39efp-1, ln2_rest = 0x1.abc9e3b39803fp-56;
  [[gnu::always_inline]] static double q(double r) {
    double p = 0x1.ad7f364a50838p-26;
    p = std::fma(p, r, 0x1.28ad9b8cf1c58p-22);
    p = std::fma(p, r, 0x1.71df25b824940p-19);
    p = std::fma(p, r, 0x1.a01999e256f02p-16);
    p = std::fma(p, r, 0x1.a01a012a0d248p-13);
    p = std::fma(p, r, 0x1.6c16c18438b79p-10);
    p = std::fma(p, r, 0x1.1111111127d14p-7);
    p = std::fma(p, r, 0x1.555555555083ep-5);
    p = std::fma(p, r, 0x1.55555555554f9p-3);
    return std::fma(p, r, 0x1.000000000000ap-1);
  }
};

// ln(x·2^−shift), x positive, normal and finite.
[[gnu::always_inline]] inline double shifted_log(double x, double shift) {
  constexpr std::uint64_t one = 0x3ff0000000000000, root_of_half = 0x3fe6a09e667f3bcd;
  const std::uint64_t scaled = std::bit_cast<std::uint64_t>(x) + (one - root_of_half);
  // x = 2^k (1 + f) with 1 + f in [√½, √2); k becomes a number in the last bits of one that is 2^52 and more.
  const double k = std::bit_cast<double>((scaled >> 52) | 0x4330000000000000) - (0x1p52 + 1023 + shift);
  const double f = std::bit_cast<double>((scaled & 0x000fffffffffffff) + root_of_half) - 1;
  // ln(1 + f) = ln(1 + s) − ln(1 − s) = 2s + s·z·q(z), where 2s = f − s·f, s = f/(2 + f), z = s²
  const double s = f / (2 + f), z = s * s;
  double q = 0x1.2f0977ffd979dp-3;
  q = std::fma(q, z, 0x1.39a158020d15fp-3);
  q = std::fma(q, z, 0x1.74664288ae147p-3);
  q = std::fma(q, z, 0x1.c71c51f8b4eb5p-3);
  q = std::fma(q, z, 0x1.2492494204529p-2);
  q = std::fma(q, z, 0x1.999999997fc76p-2);
  q = std::fma(q, z, 0x1.5555555555593p-1);
  const double log_of_rest = std::fma(-s, std::fma(-z, q, f), f);
  constexpr double ln2 = 0x1.62e42fefa39efp-1;  // to a twentieth of an ulp
  return std::fma(k, ln2, log_of_rest);
}

}  // namespace detail

/// e^x to 1.1 ulp; 0 where it is below the smallest normal number, infinity where it is above the largest.
template<class T>
[[gnu::always_inline]] inline T exp(T x) {
  using constants = detail::exp_constants<T>;
  using bits = typename constants::bits;
  // x = n ln 2 + r, n in the last bits of `sum`
  const T sum = std::fma(x, constants::log2_e, constants::round);
  const T n = sum - constants::round;
  const T r = std::fma(-n, constants::ln2_rest, std::fma(-n, constants::ln2, x));
  const T power = 1 + std::fma(r * r, constants::q(r), r);  // e^r, to whose exponent n is added
  const T value = std::bit_cast<T>(std::bit_cast<bits>(power) + (std::bit_cast<bits>(sum) << constants::mantissa));
  const T bounded = x <= constants::highest ? value : x * std::numeric_limits<T>::infinity();  // NaN stays
  return x < constants::lowest ? T{0} : bounded;
}

/// ln x of a positive, normal and finite x, to 1.3 ulp; any number for others.
[[gnu::always_inline]] inline double log_of_normal(double x) { return detail::shifted_log(x, 0); }

/// ln x to 1.3 ulp; −∞ at 0, NaN below, ∞ at ∞.
[[gnu::always_inline]] inline double log(double x) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const bool subnormal = x < std::numeric_limits<double>::min();
  const double finite = detail::shifted_log(subnormal ? x * 0x1p54 : x, subnormal ? 54.0 : 0.0);
  const double positive = x < infinity ? finite : x;
  return 0 < x ? positive : (x == 0 ? -infinity : std::numeric_limits<double>::quiet_NaN());
}

struct sine_and_cosine {
  double sine, cosine;
};

/// sin and cos of (π/2)t, |t| ≤ ½, each to 1.6 ulp.
[[gnu::always_inline]] inline sine_and_cosine of_quarter_turn(double t) {
  const double z = t * t;
  double s = 0x1.e3eeb570bd163p-25;
  s = std::fma(s, z, -0x1.e300634728aedp-19);
  s = std::fma(s, z, 0x1.50782fc9ddb84p-13);
  s = std::fma(s, z, -0x1.32d2cce2d4e12p-8);
  s = std::fma(s, z, 0x1.466bc677586fbp-4);
  s = std::fma(s, z, -0x1.4abbce625be41p-1);
  s = std::fma(s, z, 0x1.921fb54442d18p+0);
  double c = -0x1.b263a4dac096cp-28;
  c = std::fma(c, z, 0x1.f9cc40499eefcp-22);
  c = std::fma(c, z, -0x1.a6d1ec7d8e072p-16);
  c = std::fma(c, z, 0x1.e1f5068367165p-11);
  c = std::fma(c, z, -0x1.55d3c7e3c927ap-6);
  c = std::fma(c, z, 0x1.03c1f081b5aaep-2);
  c = std::fma(c, z, -0x1.3bd3cc9be45dep+0);
  return {.sine = s * t, .cosine = std::fma(c, z, 1.0)};
}

}  // namespace cotscale::elementary
