// How the numbers of streams are distributed. Thresholds of 4 standard errors leave 1 in 16 000 by chance, and the
// seeds are fixed.
#include "cotscale/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "support/monte_carlo.hpp"
#include "unit/base/random_streams.hpp"

namespace cotscale {
namespace {

// √N sup|F_N − F|, above 1.95 once in a thousand times (Kolmogorov-Smirnov).
template<class Cdf>
double scaled_gap(std::vector<double> sample, Cdf cdf) {
  std::sort(sample.begin(), sample.end());
  const auto count = static_cast<double>(sample.size());
  double gap = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double expected = cdf(sample[i]);
    gap = std::max({gap, expected - static_cast<double>(i) / count, static_cast<double>(i + 1) / count - expected});
  }
  return std::sqrt(count) * gap;
}

// Mean of the products, which is 0 for independent standard normals, of standard deviation 1 each.
support::sample_means products(std::span<const double> a, std::span<const double> b) {
  support::sample_means mean(1);
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) mean.add(a[i] * b[i]);
  return mean;
}

// ---- normal numbers ----

const std::vector<double>& million_normals() {
  static const std::vector<double> numbers = normals(some_key, 0, 1'000'000);
  return numbers;
}

TEST(fill_normal, has_the_first_four_moments_of_a_normal) {
  support::sample_means powers(4);
  for (const double z : million_normals()) powers.add(std::vector<double>{z, z * z, z * z * z, z * z * z * z});
  EXPECT_TRUE(within(4, powers, std::vector<double>{0, 1, 0, 3}));
  EXPECT_NEAR(powers.standard_error(3), std::sqrt(96.0 / 1e6), 1e-3) << "Var z⁴ = 105 − 9";
}

TEST(fill_normal, follows_the_normal_distribution_function) {
  const double gap = scaled_gap(million_normals(), [](double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; });
  EXPECT_LT(gap, 1.95);
  EXPECT_GT(gap, 0.2) << "closer to Φ than random numbers are";
}

TEST(fill_normal, has_normal_tails) {
  const std::vector<double>& z = million_normals();
  EXPECT_TRUE(std::all_of(z.begin(), z.end(), [](double x) { return std::isfinite(x); }));
  const auto most =
      std::abs(*std::max_element(z.begin(), z.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }));
  EXPECT_GT(most, 4.2) << "P < 1e-11";
  EXPECT_LT(most, 6.3) << "P < 1e-3";
  for (const double beyond : {2.0, 3.0, 4.0}) {
    const double expected = std::erfc(beyond / std::numbers::sqrt2) * static_cast<double>(z.size());
    const auto seen = std::count_if(z.begin(), z.end(), [&](double x) { return std::abs(x) > beyond; });
    EXPECT_NEAR(static_cast<double>(seen), expected, 4 * std::sqrt(expected)) << "beyond " << beyond;
  }
}

TEST(fill_normal, has_independent_numbers_within_a_stream) {
  const std::span<const double> z = million_normals();
  std::vector<double> squares;
  for (const double x : z) squares.push_back((x * x - 1) / std::numbers::sqrt2);
  // Lags of a counter, of the two numbers of a Box-Muller pair (32), of a block, and of blocks drawn together.
  for (const std::size_t lag : {1U, 2U, 15U, 16U, 32U, 48U, 64U, 65U, 256U}) {
    EXPECT_TRUE(within(4, products(z, z.subspan(lag)), 0)) << "lag " << lag;
    EXPECT_TRUE(within(4, products(squares, std::span(squares).subspan(lag)), 0)) << "squares, lag " << lag;
  }
}

// The two halves of a block are made of the same radii and angles, which must not be seen.
TEST(fill_normal, has_pairs_of_any_angle_whatever_their_radius) {
  const std::vector<double>& z = million_normals();
  std::vector<double> turns, shares;
  support::sample_means means(4);
  for (std::size_t begin = 0; begin + random_block <= z.size(); begin += random_block) {
    for (std::size_t i = begin; i < begin + random_block / 2; ++i) {
      const double x = z[i], y = z[i + random_block / 2], square = x * x + y * y;
      const double turn = std::atan2(y, x) / (2 * std::numbers::pi) + 0.5;
      turns.push_back(turn);
      shares.push_back(-std::expm1(-square / 2));
      // Of a radius and an angle that know of each other these products would not vanish.
      const double centred = std::sqrt(12) * (shares.back() - 0.5), angle = 2 * std::numbers::pi * turn;
      means.add(std::vector<double>{centred * std::cos(angle), centred * std::sin(angle), centred * std::cos(4 * angle),
                                    centred * std::cos(8 * angle)});
    }
  }
  for (const std::vector<double>& sample : {turns, shares}) {
    const double gap = scaled_gap(sample, [](double x) { return x; });
    EXPECT_LT(gap, 1.95);
    EXPECT_GT(gap, 0.2) << "closer to uniform than random numbers are";
  }
  EXPECT_TRUE(within(4, means, std::vector<double>{0, 0, 0, 0}));
}

TEST(fill_normal, has_independent_streams) {
  const std::size_t count = 100'000;
  const std::vector<double> z = normals(some_key, 0, count);
  EXPECT_TRUE(within(4, products(z, normals(some_key, 1, count)), 0)) << "the next substream";
  EXPECT_TRUE(within(4, products(z, normals(some_key, std::uint64_t{1} << 63, count)), 0)) << "a far substream";
  EXPECT_TRUE(within(4, products(z, normals({some_key.low + 1, some_key.high}, 0, count)), 0)) << "the next key";
  EXPECT_TRUE(within(4, products(z, normals({some_key.low, some_key.high ^ 1}, 0, count)), 0)) << "another key";
  EXPECT_FALSE(within(4, products(z, normals(some_key, 0, count)), 0)) << "the test can tell a stream from itself";
}

TEST(fill_normal, has_independent_first_numbers_across_substreams) {
  support::sample_means moments(3);
  double previous = 0;
  for (std::uint64_t substream = 0; substream < 20'000; ++substream) {
    const double z = normals(some_key, substream, 1).front();
    moments.add(std::vector<double>{z, z * z, z * previous});
    previous = z;
  }
  EXPECT_TRUE(within(4, moments, std::vector<double>{0, 1, 0}));
}

// ---- uniform numbers ----

TEST(fill_uniform, is_uniform_within_its_open_interval) {
  const std::vector<double> u = uniforms(some_key, 4, 200'000);
  EXPECT_GT(*std::min_element(u.begin(), u.end()), 0);
  EXPECT_LT(*std::max_element(u.begin(), u.end()), 1);
  const double gap = scaled_gap(u, [](double x) { return x; });
  EXPECT_LT(gap, 1.95);
  EXPECT_GT(gap, 0.2) << "closer to uniform than random numbers are";
  EXPECT_GT(scaled_gap(u, [](double x) { return x * x; }), 1.95) << "the test can tell another distribution";
  std::vector<double> centred;
  for (const double x : u) centred.push_back(std::sqrt(12) * (x - 0.5));
  for (const std::size_t lag : {1U, 2U, 16U, 32U, 48U, 64U, 256U}) {
    EXPECT_TRUE(within(4, products(centred, std::span(centred).subspan(lag)), 0)) << "lag " << lag;
  }
}

// ---- chi numbers ----

// P(χ ≤ x) with ν degrees of freedom: from ν = 1 or 2 up, F_{ν+2} = F_ν − h^{ν/2} e^{−h}/Γ(ν/2 + 1), h = x²/2.
double chi_cdf(double x, int degrees) {
  const double h = x * x / 2;
  const bool odd = degrees % 2 == 1;
  double value = odd ? std::erf(std::sqrt(h)) : -std::expm1(-h);
  double term = odd ? std::sqrt(h) * std::exp(-h) / std::tgamma(1.5) : h * std::exp(-h);
  for (int nu = odd ? 1 : 2; nu < degrees; nu += 2) {
    value -= term;
    term *= h / (nu / 2.0 + 1);
  }
  return value;
}

constexpr std::array chi_degrees{1, 2, 3, 10, 1000};

// `each` of every degree, one kind next to the other, so that rejections of one kind shift the others' numbers.
std::vector<double> mixed_degrees(std::size_t each) {
  std::vector<double> degrees;
  for (std::size_t i = 0; i < each; ++i) degrees.insert(degrees.end(), chi_degrees.begin(), chi_degrees.end());
  return degrees;
}

std::vector<double> of_kind(const std::vector<double>& all, std::size_t kind) {
  std::vector<double> out;
  for (std::size_t i = kind; i < all.size(); i += chi_degrees.size()) out.push_back(all[i]);
  return out;
}

TEST(fill_chi, has_the_moments_of_its_degrees) {
  const std::vector<double> all = chis(some_key, 0, mixed_degrees(100'000));
  for (std::size_t kind = 0; kind < chi_degrees.size(); ++kind) {
    const double nu = chi_degrees[kind];
    const double mean = std::sqrt(2) * std::exp(std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2));
    support::sample_means powers(4);
    for (const double x : of_kind(all, kind)) {
      powers.add(std::vector<double>{x, (x - mean) * (x - mean), x * x, x * x * x * x});
    }
    EXPECT_TRUE(within(4, powers, std::vector<double>{mean, nu - mean * mean, nu, nu * (nu + 2)})) << "ν = " << nu;
    EXPECT_FALSE(within(4, powers, std::vector<double>{mean, nu - mean * mean, nu + 1, nu * (nu + 2)}))
        << "the test can tell ν from ν + 1";
  }
}

TEST(fill_chi, follows_the_chi_distribution_function) {
  const std::vector<double> all = chis(some_key, 1, mixed_degrees(20'000));
  for (std::size_t kind = 0; kind < chi_degrees.size(); ++kind) {
    const int nu = chi_degrees[kind];
    const double gap = scaled_gap(of_kind(all, kind), [&](double x) { return chi_cdf(x, nu); });
    EXPECT_LT(gap, 1.95) << "ν = " << nu;
    EXPECT_GT(gap, 0.2) << "closer than random numbers are, ν = " << nu;
    const double other = scaled_gap(of_kind(all, kind), [&](double x) { return chi_cdf(x, nu + 2); });
    EXPECT_GT(other, 1.95) << "the test can tell ν from ν + 2";
  }
}

// (χ − √(ν − 1/2)) √2 is normal then but for a skewness of 1/√(2ν); what is subtracted in the test of acceptance is
// 10¹⁰ times what is left.
TEST(fill_chi, is_normal_for_millions_of_degrees) {
  for (const double nu : {1e5, 1e6, 1e7, 1e8}) {
    std::vector<double> z = chis(some_key, 4, std::vector<double>(200'000, nu));
    support::sample_means powers(4);
    for (double& x : z) {
      x = (x - std::sqrt(nu - 0.5)) * std::sqrt(2);
      powers.add(std::vector<double>{x, x * x, x * x * x, x * x * x * x});
    }
    EXPECT_TRUE(within(4, powers, std::vector<double>{0, 1, 0, 3})) << "ν = " << nu;
    EXPECT_FALSE(within(4, powers, std::vector<double>{0.02, 1, 0, 3}));
    const double gap = scaled_gap(z, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2)); });
    EXPECT_LT(gap, 1.95) << "ν = " << nu;
    EXPECT_GT(gap, 0.2) << "closer than random numbers are, ν = " << nu;
  }
}

TEST(fill_chi, has_independent_numbers_that_do_not_depend_on_the_normals_of_the_stream) {
  constexpr std::size_t count = 100'000;
  const std::vector<double> all = chis(some_key, 2, std::vector<double>(count, 5));
  const double mean = std::sqrt(2) * std::exp(std::lgamma(3) - std::lgamma(2.5));
  std::vector<double> centred;
  for (const double x : all) centred.push_back((x - mean) / std::sqrt(5 - mean * mean));
  for (const std::size_t lag : {1U, 2U, 8U, 16U, 32U, 64U, 256U}) {
    EXPECT_TRUE(within(4, products(centred, std::span(centred).subspan(lag)), 0)) << "lag " << lag;
  }
  EXPECT_TRUE(within(4, products(centred, normals(some_key, 2, count)), 0)) << "normals of the same substream";
  std::vector<double> next = chis(some_key, 3, std::vector<double>(count, 5));
  for (double& x : next) x -= mean;
  EXPECT_TRUE(within(4, products(centred, next), 0)) << "the next substream";
}

}  // namespace
}  // namespace cotscale
