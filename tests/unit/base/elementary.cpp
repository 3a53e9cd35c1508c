// The elementary functions, in loops as they are used, over the whole range of numbers.
#include "cotscale/base/elementary.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <type_traits>
#include <vector>

#include "support/ulps.hpp"

namespace cotscale {
namespace {

using support::ulps;
using support::worst_place;

template<class T>
constexpr T infinity = std::numeric_limits<T>::infinity();
template<class T>
constexpr T nan = std::numeric_limits<T>::quiet_NaN();

template<class T>
std::vector<T> exp_of(const std::vector<T>& x) {
  std::vector<T> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = elementary::exp(x[i]);
  return y;
}

std::vector<double> log_of(const std::vector<double>& x) {
  std::vector<double> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = elementary::log(x[i]);
  return y;
}

struct sines_and_cosines {
  std::vector<double> sines, cosines;
};

sines_and_cosines of_quarter_turns(const std::vector<double>& t) {
  sines_and_cosines out{std::vector<double>(t.size()), std::vector<double>(t.size())};
  for (std::size_t i = 0; i < t.size(); ++i) {
    const elementary::sine_and_cosine both = elementary::of_quarter_turn(t[i]);
    out.sines[i] = both.sine;
    out.cosines[i] = both.cosine;
  }
  return out;
}

// Numbers whose bits are drawn: of every exponent and sign, infinite and no numbers among them.
std::vector<double> numbers_of_any_bits(std::size_t count) {
  std::mt19937_64 engine(1);
  std::vector<double> x(count);
  for (double& value : x) value = std::bit_cast<double>(engine());
  return x;
}

void add_uniform(std::vector<double>& x, std::size_t count, double low, double high) {
  std::mt19937_64 engine(2);
  std::uniform_real_distribution<double> between(low, high);
  for (std::size_t i = 0; i < count; ++i) x.push_back(between(engine));
}

// A number and those beside it.
void add_around(std::vector<double>& x, double centre) {
  double below = centre, above = centre;
  for (int i = 0; i < 200; ++i) {
    x.push_back(below);
    x.push_back(above);
    below = std::nextafter(below, -infinity<double>);
    above = std::nextafter(above, infinity<double>);
  }
}

// ---- exp ----

// By definition: 0 below the smallest normal number, infinite where the nearest number would be.
template<class T>
double ulps_of_exp(T x, T value, long double exact) {
  const auto largest = static_cast<long double>(std::numeric_limits<T>::max());
  const long double bound = largest + std::ldexp(largest, -std::numeric_limits<T>::digits) / 2;
  if (std::isnan(x)) return std::isnan(value) ? 0 : infinity<double>;
  if (exact < static_cast<long double>(std::numeric_limits<T>::min())) return value == 0 ? 0 : infinity<double>;
  if (exact >= bound) return value == infinity<T> ? 0 : infinity<double>;
  return ulps(value, exact);
}

TEST(exp, is_right_to_its_bound_over_all_single_numbers) {
  constexpr std::size_t block = 1 << 16;
  constexpr std::uint32_t stride = 211;  // a prime: no bit stays the same
  worst_place<float> worst;
  std::vector<float> x(block);
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32);) {
    for (float& value : x) {
      value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
      bits += stride;
    }
    const std::vector<float> y = exp_of(x);
    for (std::size_t i = 0; i < block; ++i) {
      worst.add(x[i], ulps_of_exp(x[i], y[i], std::exp(static_cast<double>(x[i]))));
    }
  }
  EXPECT_LE(worst.distance, 1.1) << "at " << worst.place;
}

TEST(exp, is_right_to_its_bound_over_double_numbers) {
  std::vector<double> x = numbers_of_any_bits(400'000);
  add_uniform(x, 600'000, -746, 710);
  add_uniform(x, 400'000, -2, 2);
  for (const double centre : {0.0, -708.3964185322641, 709.782712893384, -745.13, std::numbers::ln2 / 2}) {
    add_around(x, centre);
  }
  const std::vector<double> y = exp_of(x);
  worst_place<double> worst;
  for (std::size_t i = 0; i < x.size(); ++i) {
    worst.add(x[i], ulps_of_exp(x[i], y[i], std::exp(static_cast<long double>(x[i]))));
  }
  EXPECT_LE(worst.distance, 1.1) << "at " << worst.place;
}

template<class T>
void expect_limits_of_exp() {
  // Of two signs, with and without a payload: the bits of what is no number take part in integer sums.
  using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  std::vector<T> x{nan<T>, -nan<T>, std::numeric_limits<T>::signaling_NaN()};
  for (bits payload = 1; payload < bits{1} << (std::numeric_limits<T>::digits - 2); payload *= 2) {
    x.push_back(std::bit_cast<T>(std::bit_cast<bits>(nan<T>) | payload));
    x.push_back(std::bit_cast<T>(std::bit_cast<bits>(infinity<T>) | payload));
    x.push_back(std::bit_cast<T>(std::bit_cast<bits>(-infinity<T>) | payload));
  }
  for (const T y : exp_of(x)) EXPECT_TRUE(std::isnan(y));
  const T most = std::numeric_limits<T>::max(), least = std::numeric_limits<T>::denorm_min();
  EXPECT_EQ(exp_of<T>({infinity<T>, most, -infinity<T>, -most, 0, -T{0}, least, -least}),
            (std::vector<T>{infinity<T>, infinity<T>, 0, 0, 1, 1, 1, 1}));
}

TEST(exp, keeps_what_is_no_number_and_has_its_limits) {
  expect_limits_of_exp<float>();
  expect_limits_of_exp<double>();
}

// ---- log ----

TEST(log, is_right_to_its_bound_over_double_numbers) {
  std::vector<double> x = numbers_of_any_bits(800'000);
  add_uniform(x, 400'000, 0, 2);
  for (int exponent = -1074; exponent < 1024; ++exponent) x.push_back(std::ldexp(1.0, exponent));
  for (const double centre : {1.0, std::numbers::sqrt2, std::numbers::sqrt2 / 2, std::numeric_limits<double>::min()}) {
    add_around(x, centre);
  }
  const std::vector<double> y = log_of(x);
  worst_place<double> worst, worst_of_normal;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!(x[i] > 0) || x[i] == infinity<double>) {
      EXPECT_TRUE(x[i] == infinity<double> ? y[i] == x[i] : std::isnan(y[i])) << x[i];
      continue;
    }
    const long double exact = std::log(static_cast<long double>(x[i]));
    worst.add(x[i], ulps(y[i], exact));
    if (std::isnormal(x[i])) worst_of_normal.add(x[i], ulps(elementary::log_of_normal(x[i]), exact));
  }
  EXPECT_LE(worst.distance, 1.3) << "at " << worst.place;
  EXPECT_LE(worst_of_normal.distance, 1.3) << "at " << worst_of_normal.place;
}

TEST(log, has_its_limits) {
  const double most = std::numeric_limits<double>::max(), least = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(log_of({0, -0.0, 1, infinity<double>}),
            (std::vector<double>{-infinity<double>, -infinity<double>, 0, infinity<double>}));
  for (const double y : log_of({nan<double>, -nan<double>, -1, -least, -most, -infinity<double>})) {
    EXPECT_TRUE(std::isnan(y));
  }
}

// ---- sine and cosine ----

TEST(of_quarter_turn, is_right_to_its_bound) {
  std::vector<double> t;
  add_uniform(t, 800'000, -0.5, 0.5);
  for (const double centre : {-0.25, 0.0, 0.25}) add_around(t, centre);
  for (int exponent = -1000; exponent < -1; ++exponent) t.push_back(std::ldexp(1.2345, exponent));
  t.insert(t.end(), {-0.5, 0.5});
  const sines_and_cosines out = of_quarter_turns(t);
  worst_place<double> worst_sine, worst_cosine;
  for (std::size_t i = 0; i < t.size(); ++i) {
    const long double angle = std::numbers::pi_v<long double> / 2 * t[i];
    worst_sine.add(t[i], ulps(out.sines[i], std::sin(angle)));
    worst_cosine.add(t[i], ulps(out.cosines[i], std::cos(angle)));
  }
  EXPECT_LE(worst_sine.distance, 1.6) << "at " << worst_sine.place;
  EXPECT_LE(worst_cosine.distance, 1.6) << "at " << worst_cosine.place;
}

TEST(of_quarter_turn, is_odd_and_even_and_keeps_what_is_no_number) {
  const sines_and_cosines out = of_quarter_turns({0.3, -0.3, 0, nan<double>});
  EXPECT_EQ(out.sines[1], -out.sines[0]);
  EXPECT_EQ(out.cosines[1], out.cosines[0]);
  EXPECT_EQ(out.sines[2], 0);
  EXPECT_EQ(out.cosines[2], 1);
  EXPECT_TRUE(std::isnan(out.sines[3]) && std::isnan(out.cosines[3]));
}

// ---- all of them ----

template<class T>
void add_bits(std::uint64_t& sum, const std::vector<T>& values) {
  using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  for (const T value : values) sum = (sum ^ std::bit_cast<bits>(value)) * 0x100000001b3;  // FNV
}

// Every operation is a correctly rounded one: builds for other CPUs, which run this test too, have the same bits.
TEST(elementary, has_the_same_bits_on_every_cpu) {
  std::vector<double> x;
  std::vector<double> quarters;
  std::vector<float> single;
  for (int i = 1; i <= 20'000; ++i) {
    x.push_back(std::ldexp(static_cast<double>(i), -14));
    quarters.push_back(std::ldexp(static_cast<double>(i), -16));
    single.push_back(std::ldexp(static_cast<float>(i), -8));
    single.push_back(-std::ldexp(static_cast<float>(i), -8));
  }
  const sines_and_cosines turns = of_quarter_turns(quarters);
  std::uint64_t sum = 0;
  add_bits(sum, exp_of(single));
  add_bits(sum, exp_of(x));
  add_bits(sum, log_of(x));
  add_bits(sum, turns.sines);
  add_bits(sum, turns.cosines);
  EXPECT_EQ(sum, 0xa8b827174f629a34U);
}

}  // namespace
}  // namespace cotscale
