#include "cotscale/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reference/normal_stream.hpp"
#include "support/monte_carlo.hpp"

namespace cotscale {
namespace {

constexpr stream_key some_key{0x0123456789abcdef, 0xfedcba9876543210};

std::vector<double> normals(stream_key key, std::uint64_t substream, std::size_t count) {
  std::vector<double> out(count);
  fill_normal(key, substream, out);
  return out;
}

const std::vector<double>& million_normals() {
  static const std::vector<double> numbers = normals(some_key, 0, 1'000'000);
  return numbers;
}

std::vector<double> uniforms(stream_key key, std::uint64_t substream, std::size_t count) {
  std::vector<double> out(count);
  fill_uniform(key, substream, out);
  return out;
}

std::vector<double> chis(stream_key key, std::uint64_t substream, const std::vector<double>& degrees) {
  std::vector<double> out(degrees.size());
  fill_chi(key, substream, degrees, out);
  return out;
}

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

// Mean of the products, which is 0 for independent standard normals, of standard deviation 1 each.
support::sample_means products(std::span<const double> a, std::span<const double> b) {
  support::sample_means mean(1);
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) mean.add(a[i] * b[i]);
  return mean;
}

// ---- keys ----

TEST(key_builder, separates_the_lengths_of_texts) {
  EXPECT_NE(key_builder("a").add("bc").key(), key_builder("ab").add("c").key());
  EXPECT_NE(key_builder("ab").key(), key_builder("a").add("b").key());
  EXPECT_NE(key_builder("a").add("").key(), key_builder("a").key());
  EXPECT_NE(key_builder("a").add(std::string_view("\0", 1)).key(), key_builder("a").add("").key());
  const std::string looks_like_a_second_text = std::string("as") + std::string(8, '\0') + "b";
  EXPECT_NE(key_builder(looks_like_a_second_text).key(), key_builder("a").add("b").key());
}

TEST(key_builder, separates_types) {
  EXPECT_NE(key_builder("a").add(1).key(), key_builder("a").add(1.0).key());
  EXPECT_NE(key_builder("a").add(0).key(), key_builder("a").add(0.0).key());
  const std::string eight_bytes("\1\0\0\0\0\0\0\0", 8);
  EXPECT_NE(key_builder("a").add(1).key(), key_builder("a").add(eight_bytes).key());
}

TEST(key_builder, takes_equal_values_for_equal) {
  EXPECT_EQ(key_builder("a").add(-0.0).key(), key_builder("a").add(0.0).key());
  EXPECT_EQ(key_builder("a").add(std::int8_t{-5}).key(), key_builder("a").add(std::int64_t{-5}).key());
  EXPECT_EQ(key_builder("a").add(std::uint16_t{5}).key(), key_builder("a").add(5).key());
  EXPECT_EQ(key_builder("a").add("b").key(), key_builder("a").add(std::string("b")).key());
}

TEST(key_builder, depends_on_every_value_and_on_their_order) {
  EXPECT_NE(key_builder("a").add(1).add(2).key(), key_builder("a").add(2).add(1).key());
  EXPECT_NE(key_builder("a").add(1).key(), key_builder("b").add(1).key());
  EXPECT_NE(key_builder("a").add(1.0).key(), key_builder("a").add(std::nextafter(1.0, 2.0)).key());
  EXPECT_NE(key_builder("a").add(1.0).key(), key_builder("a").add(-1.0).key());
  EXPECT_NE(key_builder("a").add(std::int64_t{1}).key(), key_builder("a").add((std::int64_t{1} << 40) + 1).key());
}

// ---- the generator ----

// kat_vectors of Random123: threefry4x64 20.
TEST(normal_stream_reference, has_the_known_answers_of_threefry) {
  using reference::words4;
  EXPECT_EQ(reference::threefry4x64_20({0, 0, 0, 0}, {0, 0, 0, 0}),
            (words4{0x09218ebde6c85537, 0x55941f5266d86105, 0x4bd25e16282434dc, 0xee29ec846bd2e40b}));
  constexpr std::uint64_t ones = ~std::uint64_t{0};
  EXPECT_EQ(reference::threefry4x64_20({ones, ones, ones, ones}, {ones, ones, ones, ones}),
            (words4{0x29c24097942bba1b, 0x0371bbfb0f6f4e11, 0x3c231ffa33f83a1c, 0xcd29113fde32d168}));
  EXPECT_EQ(
      reference::threefry4x64_20({0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
                                 {0x452821e638d01377, 0xbe5466cf34e90c6c, 0xbe5466cf34e90c6c, 0xc0ac29b7c97c50dd}),
      (words4{0xa7e8fde591651bd9, 0xbaafd0c30138319b, 0x84a5c1a729e685b9, 0x901d406ccebc1ba4}));
}

// The vector functions behind -ffast-math are good to a few units in the last place of numbers below 10.
TEST(fill_normal, is_box_muller_on_threefry) {
  constexpr double tolerance = 10 * 16 * std::numeric_limits<double>::epsilon();
  for (const stream_key key : {stream_key{0, 0}, stream_key{1, 0}, stream_key{0, 1}, some_key}) {
    for (const std::uint64_t substream : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
      const std::vector<double> numbers = normals(key, substream, 5 * normal_block + 17);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        EXPECT_NEAR(numbers[i], reference::normal_number(key.low, key.high, substream, i), tolerance) << "number " << i;
      }
    }
  }
}

// Numbers that change make stored results unrepeatable: rng_name must change with them.
TEST(fill_normal, yields_the_numbers_that_its_name_stands_for) {
  ASSERT_EQ(rng_name, "threefry4x64-20/box-muller-1/wishart-1/keys-2");
  const std::vector<double> numbers = normals(key_builder("golden").add(1).add(0.5).key(), 2, 257);
  EXPECT_NEAR(numbers[0], -0.974277743244033, 1e-12);
  EXPECT_NEAR(numbers[1], 0.303756834271213, 1e-12);
  EXPECT_NEAR(numbers[2], -0.352851851131923, 1e-12);
  EXPECT_NEAR(numbers[255], -0.450560998472984, 1e-12);
  EXPECT_NEAR(numbers[256], -1.26266447732168, 1e-12) << "the second block";
}

TEST(fill_normal, begins_with_the_same_bits_however_many_are_asked_for) {
  const std::vector<double> all = normals(some_key, 3, 1000);
  for (const std::size_t count : {0U, 1U, 2U, 31U, 64U, 65U, 255U, 256U, 257U, 511U, 512U, 513U, 997U}) {
    const std::vector<double> some = normals(some_key, 3, count);
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << count << " numbers";
  }
}

TEST(fill_normal, does_not_depend_on_where_it_writes) {
  const std::vector<double> expected = normals(some_key, 3, 300);
  std::vector<double> buffer(310, -99);
  for (std::size_t shift = 1; shift < 9; ++shift) {
    fill_normal(some_key, 3, std::span(buffer).subspan(shift, 300));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), buffer.begin() + static_cast<std::ptrdiff_t>(shift)));
    EXPECT_EQ(buffer[shift + 300], -99) << "wrote beyond the end";
  }
}

// ---- the distribution; thresholds of 4 standard errors leave 1 in 16 000 by chance, and the seeds are fixed ----

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
  // Lags of a counter, of the two numbers of a Box-Muller pair (128), and of a block.
  for (const std::size_t lag : {1U, 2U, 63U, 64U, 128U, 192U, 256U, 257U}) {
    EXPECT_TRUE(within(4, products(z, z.subspan(lag)), 0)) << "lag " << lag;
    EXPECT_TRUE(within(4, products(squares, std::span(squares).subspan(lag)), 0)) << "squares, lag " << lag;
  }
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

TEST(fill_normal, leaves_subnormal_numbers_alone) {
  normals(some_key, 0, 1);
  volatile double smallest_normal = std::numeric_limits<double>::min();
  EXPECT_GT(smallest_normal / 2, 0) << "-ffast-math of one file must not change the rest of the program";
}

// ---- uniform numbers ----

// Number `position`: word position % 256 / 64 of counter (position / 256 · 64 + position % 64, substream, 1, 0).
TEST(fill_uniform, is_made_of_the_words_of_threefry) {
  for (const std::uint64_t substream : {std::uint64_t{0}, ~std::uint64_t{0}}) {
    const std::vector<double> numbers = uniforms(some_key, substream, 2 * normal_block + 17);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const reference::words4 words =
          reference::threefry4x64_20({i / 256 * 64 + i % 64, substream, 1, 0}, {some_key.low, some_key.high, 0, 0});
      const double expected = (static_cast<double>(words[i % 256 / 64] >> 12) + 0.5) / 0x1p52;
      EXPECT_EQ(numbers[i], expected) << "number " << i;
    }
  }
}

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
  for (const std::size_t lag : {1U, 2U, 64U, 128U, 192U, 256U}) {
    EXPECT_TRUE(within(4, products(centred, std::span(centred).subspan(lag)), 0)) << "lag " << lag;
  }
}

TEST(fill_uniform, begins_with_the_same_bits_however_many_are_asked_for) {
  const std::vector<double> all = uniforms(some_key, 3, 600);
  for (const std::size_t count : {0U, 1U, 8U, 255U, 256U, 257U}) {
    const std::vector<double> some = uniforms(some_key, 3, count);
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << count << " numbers";
  }
  EXPECT_NE(uniforms(some_key, 2, 8), uniforms(some_key, 3, 8));
}

// ---- chi numbers ----

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

TEST(fill_chi, has_independent_numbers_that_do_not_depend_on_the_normals_of_the_stream) {
  constexpr std::size_t count = 100'000;
  const std::vector<double> all = chis(some_key, 2, std::vector<double>(count, 5));
  const double mean = std::sqrt(2) * std::exp(std::lgamma(3) - std::lgamma(2.5));
  std::vector<double> centred;
  for (const double x : all) centred.push_back((x - mean) / std::sqrt(5 - mean * mean));
  for (const std::size_t lag : {1U, 2U, 8U, 64U, 128U, 256U}) {
    EXPECT_TRUE(within(4, products(centred, std::span(centred).subspan(lag)), 0)) << "lag " << lag;
  }
  EXPECT_TRUE(within(4, products(centred, normals(some_key, 2, count)), 0)) << "normals of the same substream";
  std::vector<double> next = chis(some_key, 3, std::vector<double>(count, 5));
  for (double& x : next) x -= mean;
  EXPECT_TRUE(within(4, products(centred, next), 0)) << "the next substream";
}

TEST(fill_chi, yields_the_same_numbers_whatever_came_before_and_wherever_they_go) {
  for (const std::size_t count : {1U, 8U, 63U, 64U, 65U, 200U}) {
    std::vector<double> degrees(count);
    for (std::size_t i = 0; i < count; ++i) degrees[i] = static_cast<double>(1 + i % 7);
    const std::vector<double> expected = chis(some_key, 3, degrees);
    chis({1, 2}, 9, std::vector<double>(77, 2));
    std::vector<double> buffer(count + 4, -99);
    fill_chi(some_key, 3, degrees, std::span(buffer).subspan(3, count));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), buffer.begin() + 3)) << count;
    EXPECT_EQ(buffer[2], -99);
    EXPECT_EQ(buffer.back(), -99) << "wrote beyond the end";
    EXPECT_TRUE(std::all_of(expected.begin(), expected.end(), [](double x) { return x > 0 && std::isfinite(x); }));
  }
  EXPECT_TRUE(chis(some_key, 3, {}).empty());
}

// As for normal numbers: rng_name must change with these.
TEST(fill_chi, yields_the_numbers_that_its_name_stands_for) {
  ASSERT_EQ(rng_name, "threefry4x64-20/box-muller-1/wishart-1/keys-2");
  const std::vector<double> numbers = chis(key_builder("golden").add(1).add(0.5).key(), 2, {1, 2, 3, 10, 1000});
  EXPECT_NEAR(numbers[0], 0.494036799389412, 1e-12);
  EXPECT_NEAR(numbers[1], 1.11163828751594, 1e-12);
  EXPECT_NEAR(numbers[2], 2.19091632210404, 1e-12);
  EXPECT_NEAR(numbers[3], 3.39334971255114, 1e-12);
  EXPECT_NEAR(numbers[4], 31.5560677258236, 1e-11);
}

}  // namespace
}  // namespace cotscale
